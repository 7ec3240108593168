"""Precision, recall, density and coverage.

Mistakes seen: precision and recall swapped, a point as its own neighbour, < for ≤ at copies, k of the other metric.
"""

import numpy as np
import pytest

import didlearn as dl
from didlearn.checks.fidelity.manifold_metrics import manifold_metrics
from didlearn.errors import DataError, UsageError


def fixed_pair():
    g = np.random.RandomState(0)
    real = g.normal(size=(1000, 64))
    return {"real": real, "generated": g.normal(size=(1000, 64)) * 0.95 + 0.1}


def brute(real, generated, k):
    def distances(a, b):
        return np.sqrt(np.square(a[:, None] - b[None]).sum(-1))

    def radius(rows):
        d = distances(rows, rows)
        np.fill_diagonal(d, np.inf)
        return np.sort(d, axis=1)[:, k - 1, None]

    hit, met = (distances(a, b) <= radius(a) for a, b in ((real, generated), (generated, real)))
    return hit.any(0).mean(), met.any(0).mean(), hit.sum() / (k * len(generated)), hit.any(1).mean()


def test_the_peers_numbers_on_a_fixed_pair():
    pair = fixed_pair()
    assert dl.precision_recall(**pair) == (0.761, 0.433)
    assert dl.density_coverage(**pair, k=3) == (pytest.approx(1.750333, abs=1e-6), 0.943)
    assert dl.precision_recall(**pair, k=5) == (0.841, 0.55)
    assert dl.density_coverage(**pair) == (pytest.approx(1.7164), 0.992)
    assert manifold_metrics(**pair, k=5) == (0.841, 0.55, pytest.approx(1.7164), 0.992)


def test_against_all_distances_with_ties():
    rng = np.random.default_rng(0)
    for width in (2, 4, 9):
        real, generated = rng.integers(0, 3, (200, width)) * 1.0, rng.integers(0, 4, (150, width)) * 1.0
        assert manifold_metrics(real=real, generated=generated, k=3) == pytest.approx(brute(real, generated, 3))


def test_a_narrow_generator_has_precision_and_no_recall():
    rng = np.random.default_rng(1)
    real, generated = rng.normal(size=(500, 8)) * 3, rng.normal(size=(500, 8)) * 0.1
    found = dl.precision_recall(real=real, generated=generated)
    assert found.precision > 0.8
    assert found.recall < 0.3
    swapped = dl.precision_recall(real=generated, generated=real)
    assert (swapped.precision, swapped.recall) == (found.recall, found.precision)


def test_exact_copies_are_covered_whatever_the_radius():
    rng = np.random.default_rng(2)
    real = np.repeat(rng.normal(size=(60, 8)), 5, axis=0)
    found = manifold_metrics(real=real, generated=real[::5], k=3)
    assert found.precision == found.coverage == 1
    assert dl.density_coverage(real=real, generated=real + 1e-6, k=3) == (0, 0)


def test_of_the_same_law_density_is_one_and_coverage_known():
    rng = np.random.default_rng(3)
    found = dl.density_coverage(real=rng.normal(size=(3000, 5)), generated=rng.normal(size=(3000, 5)), k=5)
    assert found.density == pytest.approx(1, abs=0.03)
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.015)


def test_what_is_refused():
    rows = np.random.default_rng(4).normal(size=(4, 2))
    with pytest.raises(TypeError):
        dl.precision_recall(rows, rows)  # type: ignore[call-arg]
    for k in (0, 4):
        with pytest.raises(UsageError, match=rf"k is {k}; with 4 images it must lie between 1 and 3"):
            dl.precision_recall(real=rows, generated=rows, k=k)
    assert dl.density_coverage(real=rows, generated=rows[:1], k=3).density > 0
    with pytest.raises(DataError, match="real holds NaN or infinity in 4 rows"):
        dl.density_coverage(real=rows * np.nan, generated=rows)
