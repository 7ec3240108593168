"""Medians and their ratios: exact intervals, coverage, and the memorisation gap."""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.errors import UsageError
from didlearn.statistics.medians import median, median_ratio, recovery_gap


def test_the_interval_lies_between_the_order_statistics_of_the_binomial_law():
    """For n = 10 the 95 % interval is the textbook's x(2) to x(9), which covers .9785."""
    found = median(np.arange(1.0, 11.0))
    assert (found.value, found.low, found.high) == (5.5, 2.0, 9.0)


def test_too_few_values_leave_the_ends_open():
    found = median(np.array([1.0, 2.0, 3.0]))
    assert (found.value, found.low, found.high) == (2.0, None, None)
    assert median(np.arange(6.0)).low == 0.0  # 2 · ½⁶ = .03


@pytest.mark.parametrize("n", [6, 15, 40])
def test_the_interval_covers(n):
    rng = np.random.default_rng(n)
    found = [median(rng.lognormal(size=n)) for _ in range(300)]
    covered = np.mean([e.low <= 1 <= e.high for e in found])
    assert 0.95 - 3 * np.sqrt(0.05 * 0.95 / 300) <= covered


@pytest.mark.parametrize("paired", [False, True])
def test_the_ratio_covers_the_true_ratio(paired):
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(200):
        x = rng.lognormal(size=40)
        y = x * rng.lognormal(sigma=0.3, size=40) if paired else rng.lognormal(size=40)
        found = median_ratio(3 * x, y, rng, paired=paired)
        covered.append(found.low <= 3 <= found.high)
    assert np.mean(covered) > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 200)


def test_pairing_narrows_the_interval():
    rng = np.random.default_rng(2)
    x = rng.lognormal(sigma=2, size=60)
    widths = [e.high - e.low for e in (median_ratio(2 * x, x, rng, paired=p) for p in (True, False))]
    assert widths[0] < widths[1] / 3


def test_the_gap_is_the_share_by_which_training_images_are_nearer():
    rng = np.random.default_rng(3)
    found = recovery_gap(rng.lognormal(size=300), 2 * rng.lognormal(size=300), rng)
    gap = found["recovery_gap"]
    assert gap.low < 0.5 < gap.high
    assert found["recovery_gap_pvalue"].value < 1e-6
    assert found["recovery_closer_pvalue"].value < 1e-6
    other = recovery_gap(2 * rng.lognormal(size=300), rng.lognormal(size=300), rng)
    assert other["recovery_gap"].value < 0
    assert other["recovery_closer_pvalue"].value > 0.99


def test_without_a_gap_pvalues_are_uniform():
    rng = np.random.default_rng(14)
    found = [recovery_gap(rng.lognormal(size=50), rng.lognormal(size=60), rng) for _ in range(150)]
    assert kstest([f["recovery_closer_pvalue"].value for f in found], "uniform").pvalue > 0.01


def test_a_level_outside_its_range_is_refused():
    with pytest.raises(UsageError, match="confidence level"):
        median(np.ones(5), 1.0)
