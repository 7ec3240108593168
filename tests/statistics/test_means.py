"""Means, their differences, and the exchange test."""

import itertools

import numpy as np
import pytest
from scipy.stats import kstest, permutation_test, ttest_1samp, ttest_ind

from didlearn.errors import UsageError
from didlearn.statistics.complexity import png_bits
from didlearn.statistics.means import exchange_pvalue, holm, mean, mean_difference


def test_intervals_are_students_and_welchs():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 2, size=12), rng.normal(size=30)
    found, truth = mean(a), ttest_1samp(a, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((truth.low, truth.high))
    found, truth = mean_difference(a, b), ttest_ind(a, b, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((truth.low, truth.high))


def test_constant_groups_have_no_width():
    found = mean_difference(np.ones(3), np.zeros(4))
    assert (found.low, found.value, found.high) == (1, 1, 1)


def test_the_exchange_pvalue_is_that_of_all_exchanges():
    a, b = np.array([3.0, 4.0, 6.0]), np.array([0.0, 1.0, 2.5, 5.0])
    pool, observed = np.concatenate([a, b]), abs(a.mean() - b.mean())
    splits = [set(chosen) for chosen in itertools.combinations(range(7), 3)]
    beyond = [
        abs(pool[list(s)].mean() - pool[[i for i in range(7) if i not in s]].mean()) >= observed - 1e-12 for s in splits
    ]
    assert exchange_pvalue(a, b, np.random.default_rng(0)) == pytest.approx(np.mean(beyond), abs=0.02)


@pytest.mark.parametrize(("n", "m"), [(2, 90), (12, 7), (40, 60)])
@pytest.mark.parametrize("at_once", [2**22, 1_000])
@pytest.mark.parametrize("tied", [False, True])
def test_exchanges_are_those_of_scipy(monkeypatch, n, m, at_once, tied):
    """Whole numbers have many gaps that are equal but for rounding."""
    monkeypatch.setattr("didlearn.statistics.means.EXCHANGED_AT_ONCE", at_once)
    rng = np.random.default_rng(n)
    a, b = (np.round(rng.exponential(3, size)) if tied else rng.exponential(size=size) for size in (n, m))
    theirs = permutation_test(
        (a, b), lambda a, b, axis: np.abs(a.mean(axis) - b.mean(axis)), vectorized=True, alternative="greater",
        n_resamples=9_999, random_state=np.random.default_rng(3),
    )  # fmt: skip
    assert exchange_pvalue(a, b, np.random.default_rng(3)) == theirs.pvalue


@pytest.mark.parametrize("trials", [120, pytest.param(400, marks=pytest.mark.slow)])
def test_exchange_pvalues_are_uniform_for_one_law(trials):
    rng = np.random.default_rng(1)
    found = [exchange_pvalue(rng.exponential(size=10), rng.exponential(size=30), rng) for _ in range(trials)]
    assert kstest(found, "uniform").pvalue > 0.01


def test_a_shift_is_found_and_the_smallest_pvalue_is_not_zero():
    rng = np.random.default_rng(2)
    assert exchange_pvalue(rng.normal(5, 1, 20), rng.normal(size=30), rng) == pytest.approx(1e-4)


def test_holm_by_hand():
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize("bad", [lambda: mean(np.ones(1)), lambda: mean_difference(np.ones(1), np.ones(5))])
def test_single_values_are_refused(bad):
    with pytest.raises(UsageError, match="at least 2"):
        bad()


def test_noise_takes_more_bits_than_a_flat_image():
    noise = np.random.default_rng(0).random((1, 3, 16, 16)).astype(np.float32)
    flat = np.full_like(noise, 0.5)
    bits = png_bits(np.concatenate([flat, noise]))
    assert bits[0] < 2 < 7.5 < bits[1]
    gray = png_bits(noise[:, :1])
    assert gray.shape == (1,)
