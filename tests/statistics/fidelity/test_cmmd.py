"""CMMD: its value, its two estimates, its error.

Mistakes seen: features not of length 1, σ² for 2σ², the diagonal counted where it should not be, an error that forgets
the factor of 1000.
"""

import math

import numpy as np
import pytest

import didlearn as dl
from didlearn.errors import DataError, UsageError
from didlearn.statistics.fidelity.cmmd import cmmd, cmmd_influence


def brute(real, generated, biased, sigma=10.0):
    real, generated = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (real, generated))

    def kernel(a, b):
        return np.exp(-np.square(a[:, None] - b).sum(axis=2) / (2 * sigma**2))

    def mean(values):
        n = len(values)
        return values.mean() if biased else (values.sum() - np.trace(values)) / (n * (n - 1))

    within = mean(kernel(real, real)) + mean(kernel(generated, generated))
    return 1000 * (within - 2 * kernel(real, generated).mean())


def pair(seed, n=30, m=40, shift=0.3):
    rng = np.random.default_rng(seed)
    return {"real": rng.normal(size=(n, 6)) + 1, "generated": rng.normal(size=(m, 6)) + 1 + shift * np.eye(6)[0]}


def test_two_directions_have_a_closed_form():
    """All real at one corner, all generated at another: 2 − 2 exp(−|e₁ − e₂|² / 2σ²), with or without bias."""
    corners = {"real": np.repeat([[3.0, 0]], 5, axis=0), "generated": np.repeat([[0, 0.2]], 4, axis=0)}
    for sigma in (10.0, 1.0):
        wanted = 1000 * (2 - 2 * math.exp(-2 / (2 * sigma**2)))
        for biased in (False, True):
            assert dl.cmmd(**corners, sigma=sigma, biased=biased) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("biased", [False, True])
def test_the_definition(biased):
    found = cmmd(**pair(0), biased=biased)
    assert isinstance(found, float)
    assert found == pytest.approx(brute(**pair(0), biased=biased), rel=1e-9)
    assert cmmd(**pair(0), biased=biased, sigma=0.7) == pytest.approx(brute(**pair(0), biased=biased, sigma=0.7))


def test_lengths_do_not_count_and_rows_of_zeros_stay_where_they_are():
    rng = np.random.default_rng(1)
    given = pair(1)
    longer = {name: rows * rng.uniform(0.1, 9, size=(len(rows), 1)) for name, rows in given.items()}
    assert cmmd(**longer) == pytest.approx(cmmd(**given), rel=1e-9)
    huge = {name: rows * 1e200 for name, rows in given.items()}
    assert cmmd(**huge) == pytest.approx(cmmd(**given), rel=1e-9)
    origin = cmmd(real=np.zeros((3, 2)), generated=np.repeat([[1.0, 0]], 3, axis=0))
    assert origin == pytest.approx(1000 * (2 - 2 * math.exp(-1 / 200)), rel=1e-9)


def test_influences_are_those_of_leaving_each_image_out():
    given = pair(2, 12, 9)
    found = cmmd_influence(**given)
    assert found.value == pytest.approx(brute(**given, biased=False), rel=1e-9)
    for name, mine in (("real", found.real), ("generated", found.generated)):
        rows = given[name]
        left = [brute(**given | {name: np.delete(rows, i, axis=0)}, biased=False) for i in range(len(rows))]
        assert mine == pytest.approx((len(rows) - 1) * (np.mean(left) - np.array(left)), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("shift", "least"), [(0.0, 0.93), (1.0, 0.91)])
def test_without_bias_intervals_cover_the_law_s_own_value(shift, least):
    truth = cmmd(**pair(99, 6000, 6000, shift)) if shift else 0.0
    values, covered = [], 0
    for seed in range(300):
        found = cmmd_influence(**pair(seed, 60, 90, shift)).estimate(0.95, "")
        values.append(found.value)
        covered += found.low <= truth <= found.high
    assert abs(np.mean(values) - truth) < 3.5 * np.std(values) / math.sqrt(300)
    assert covered / 300 >= least
    assert shift == 0 or covered / 300 <= 0.99


def test_with_bias_it_is_greater_by_what_the_pages_say():
    """1000 (1 − mean k) (1/n + 1/m), with the mean over pairs of one sample."""
    given = pair(3, 50, 50)
    assert cmmd(**given, biased=True) - cmmd(**given) > 0
    law = pair(4, 2000, 2000, 0)
    added = cmmd(**law, biased=True) - cmmd(**law)
    unit = law["real"] / np.linalg.norm(law["real"], axis=1, keepdims=True)
    mean = np.exp((unit @ unit.T - 1) / 100).mean()
    assert added == pytest.approx(1000 * (1 - mean) * 2 / 2000, rel=0.02)


def test_a_shift_is_found():
    assert cmmd_influence(**pair(5, 300, 300)).estimate(0.95, "").low > 0
    assert cmmd_influence(**pair(5, 300, 300, 0)).estimate(0.95, "").low < 0


def test_what_is_refused():
    rows = np.ones((5, 3))
    with pytest.raises(TypeError):
        cmmd(rows, rows)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match=r"above 0; got -1"):
        cmmd(real=rows, generated=rows, sigma=-1)
    with pytest.raises(DataError, match="give at least 2"):
        cmmd(real=rows, generated=rows[:1])
    with pytest.raises(DataError, match="give at least 3"):
        cmmd_influence(real=rows, generated=rows[:2])
