"""Every score's interval on laws that are known.

Mistakes seen: an error that forgets one of the samples, or counts the common real ones twice in a difference; a
binomial error of a share of neighbours; an interval without width where nothing varies.
"""

import numpy as np
import pytest

from didlearn.checks.fidelity.manifold_metrics import manifold_metrics
from didlearn.checks.fidelity.measure import (
    Sets,
    frechet_numbers,
    kernel_numbers,
    manifold_numbers,
    vendi_numbers,
)
from didlearn.rng import Stream
from didlearn.statistics.fidelity.frechet import frechet_distance, frechet_influence
from didlearn.statistics.fidelity.kernel_distance import kernel_distance
from didlearn.statistics.intervals import clopper_pearson, difference


def draw(seed, n=150, m=200, p=6):
    rng = np.random.default_rng(seed)
    real, generated, train = rng.normal(size=(n, p)), rng.normal(size=(m, p)) * 0.75 + 0.25, rng.normal(size=(m, p))
    return Sets(real, generated, train)


def along(*values):
    """Features of width one, (n, 1)."""
    return np.array(values, float)[:, None]


def test_frechet_distances_of_shifted_copies_are_squared_shifts():
    """Equal variances leave (difference of means)²: 9 and 1."""
    real = along(-1, 1, -2, 2)
    found = frechet_numbers(Sets(real, real + 3, real + 1), 0.9)
    values = {name: one.value for name, one in found.items()}
    assert values == pytest.approx({"frechet_distance": 9, "frechet_distance_train": 1, "frechet_excess": 8})
    assert [(one.n, one.level) for one in found.values()] == [(8, 0.9), (8, 0.9), (12, 0.9)]


def test_vendi_scores_are_the_numbers_of_images_at_right_angles():
    train = np.repeat([[3.0, 0], [0, 1]], 3, axis=0)
    found = vendi_numbers(Sets(along(1, 2), np.eye(6), train), 0.9)
    values = {name: one.value for name, one in found.items()}
    assert values == pytest.approx({"vendi_score": 6, "vendi_score_train": 2, "vendi_ratio": 3})
    assert {name: (one.n, one.unit, one.level) for name, one in found.items()} == {
        "vendi_score": (6, "images", 0.9),
        "vendi_score_train": (6, "images", 0.9),
        "vendi_ratio": (12, "ratio", 0.9),
    }


def test_kernel_numbers_are_of_the_samples_they_name():
    rng = np.random.default_rng(0)
    real, train = rng.normal(size=(2, 40, 3))
    far = rng.normal(size=(30, 3)) + 4
    found = kernel_numbers(Sets(real, far, train), 0.9, 39, Stream(0))
    for name, rows in (("", far), ("_train", train)):
        assert found[f"kernel_distance{name}"].value == pytest.approx(kernel_distance(real=real, generated=rows))
        assert found[f"kernel_pvalue{name}"].n == found[f"kernel_distance{name}"].n == 40 + len(rows)
        assert found[f"kernel_pvalue{name}"].level == found[f"kernel_distance{name}"].level == 0.9
        spread = np.mean((real @ real.T / 3 + 1).diagonal() ** 3) - kernel_mean(real)
        root = np.sqrt(max(0, kernel_distance(real=real, generated=rows) / spread))
        assert found[f"kernel_shift{name}"].value == pytest.approx(root, rel=1e-6)
    assert found["kernel_pvalue"].value == 1 / 40
    assert found["kernel_pvalue_train"].value > 1 / 40


def kernel_mean(rows):
    kernel = (rows @ rows.T / rows.shape[1] + 1) ** 3
    return (kernel.sum() - kernel.trace()) / (len(rows) * (len(rows) - 1))


def test_metrics_and_their_gaps_are_those_of_the_sets_named():
    sets = draw(1, n=90, m=70)
    found = manifold_numbers(sets, 4, 0.9, Stream(1))
    own = manifold_metrics(real=sets.heldout, generated=sets.generated, k=4)
    null = manifold_metrics(real=sets.heldout, generated=sets.train, k=4)
    for metric, ours, theirs in zip(own._fields, own, null, strict=True):
        assert found[metric].value == ours
        assert found[f"{metric}_train"].value == theirs
        assert found[f"{metric}_gap"].value == ours - theirs
        assert {found[metric + end].n for end in ("", "_train", "_gap")} == {160}
        assert {found[metric + end].level for end in ("", "_train", "_gap")} == {0.9}
        unit = "ratio" if metric == "density" else "fraction"
        assert {found[metric + end].unit for end in ("", "_train", "_gap")} == {unit}


def test_intervals_of_shares_are_at_least_those_of_their_own_counts():
    """Nothing varies where generated images lie far off: the binomial ends of 0 in 80 generated and 0 in 120 real."""
    rng = np.random.default_rng(4)
    real, train = rng.normal(size=(120, 8)), rng.normal(size=(80, 8))
    found = manifold_numbers(Sets(real, np.full((80, 8), 9.0), train), 5, 0.9, Stream(0))
    null = manifold_metrics(real=real, generated=train, k=5)
    for metric, trials in (("precision", 80), ("recall", 120), ("coverage", 120)):
        assert (found[metric].low, found[metric].high) == pytest.approx(clopper_pearson(0, trials, 0.9))
        gap = difference(0, trials, round(getattr(null, metric) * trials), trials, 0.9)
        assert found[f"{metric}_gap"].low <= gap.low
        assert found[f"{metric}_gap"].high >= gap.high
    assert (found["density"].low, found["density"].high) == (0, None)


def coverage(found, name):
    """Share of the trials whose interval holds the mean over all trials, and how long they are beside the spread."""
    values = np.array([one[name].value for one in found])
    hits = [one[name].low <= values.mean() <= one[name].high for one in found]
    return np.mean(hits), np.mean([one[name].high - one[name].low for one in found]) / (3.92 * values.std())


def test_smooth_scores_cover():
    found = [frechet_numbers(sets, 0.95) | vendi_numbers(sets, 0.95) for sets in map(draw, range(200))]
    for name in ("frechet_distance", "frechet_distance_train", "frechet_excess", "vendi_score", "vendi_ratio"):
        covered, length = coverage(found, name)
        assert covered >= 0.92, name
        assert length < 1.7, name


@pytest.mark.parametrize("trials", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_shares_of_neighbours_cover(trials):
    found = [manifold_numbers(draw(seed), 5, 0.95, Stream(seed)) for seed in range(trials)]
    for name in ("precision", "recall", "density", "coverage", "recall_gap", "density_gap", "precision_train"):
        covered, length = coverage(found, name)
        assert covered >= 0.93, name  # at most 1 miss of 20, and of 60 at most 4
        assert length < 2.6, name


def test_a_difference_counts_common_real_images_once():
    """Of the same images the excess is 0 without an error; the error of two single distances would not be."""
    sets = draw(0)
    found = frechet_influence(real=sets.heldout, generated=sets.generated)
    other = frechet_influence(real=sets.heldout, generated=sets.generated)
    gap = found.less(other, 0.95, "")
    own = found.estimate(0.95, "")
    share = np.sqrt(2 * np.sum(found.generated**2)) / len(found.generated) * 1.959964
    assert gap.high == pytest.approx(share)
    assert gap.high < np.sqrt(2) * (own.high - own.value)


@pytest.mark.parametrize("shape", [(40, 5), (20, 60)])
def test_frechet_influence_is_the_derivative(shape):
    """A row repeated k times in place of once moves the moments along its weight."""
    rng = np.random.default_rng(3)
    real, generated = rng.normal(size=shape), rng.normal(size=(shape[0] + 7, shape[1])) + 0.4
    found = frechet_influence(real=real, generated=generated)
    assert found.value == pytest.approx(frechet_distance(real=real, generated=generated), rel=1e-10)
    assert found.real.sum() == pytest.approx(0, abs=1e-8)
    many = 400
    even = np.repeat(real, many, axis=0)
    base = frechet_distance(real=even, generated=generated)
    for i in (0, 9):
        more = frechet_distance(real=np.concatenate([even, real[[i]]]), generated=generated)
        slope = (more - base) * (len(even) + 1)
        assert slope == pytest.approx(found.real[i], rel=0.08, abs=0.08 * np.abs(found.real).max())


def test_what_nothing_varies_has_width():
    rng = np.random.default_rng(4)
    real, train = rng.normal(size=(2, 100, 8))
    found = manifold_numbers(Sets(real, np.full((100, 8), 9.0), train), 5, 0.95, Stream(0))
    for name in ("precision", "recall", "coverage"):
        assert found[name].value == found[name].low == 0
        assert 0.02 < found[name].high < 0.05
    assert found["density"].high is None
    assert found["recall_gap"].low < found["recall_gap"].value < found["recall_gap"].high
    assert found["coverage_gap"].low >= -1


def test_the_shift_is_the_share_of_images_made_one():
    """A share ε of copies of one typical image shifts the law by about ε."""
    rng = np.random.default_rng(5)
    real, generated, train = rng.normal(size=(3, 1500, 20))
    own = ((generated @ generated.T / 20 + 1) ** 3).diagonal()
    typical = generated[np.argsort(own)[750]]
    generated[:300] = typical
    found = kernel_numbers(Sets(real, generated, train), 0.95, 99, Stream(0))
    assert found["kernel_shift"].value == pytest.approx(0.2, abs=0.05)
    assert found["kernel_shift"].low > 0.1
    assert found["kernel_shift_train"].low == 0
    assert found["kernel_pvalue"].value == 0.01
    assert found["kernel_pvalue_train"].value > 0.01
