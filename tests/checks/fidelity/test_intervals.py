"""Intervals against sums done by hand.

Mistakes seen: an end left without its root, an error that forgets one of two samples, Student's quantile of the wrong
degrees, an interval shorter than the binomial one or beyond what a share can be.
"""

import numpy as np
import pytest

from didlearn.checks.fidelity.intervals import effect, exponential, gap_interval, half_width, share_interval
from didlearn.checks.fidelity.leave_out import GROUPS
from didlearn.statistics.fidelity.influence import Influences, LogInfluence
from didlearn.statistics.intervals import clopper_pearson, difference


def test_the_error_of_a_vendi_ratio_joins_those_of_both_scores():
    """Of the logarithm √(Σ pull² / n²): 5 / 2 and 6 / 3 by hand, together √(6.25 + 4)."""
    own, null = LogInfluence(0, 0, np.array([3.0, 4])), LogInfluence(0, 0, np.array([4.0, 2, 4]))
    one = exponential([own], 0.5, 0.95, "", "")
    assert [one.low, one.value, one.high] == pytest.approx(np.exp(0.5 + 1.959964 * 2.5 * np.array([-1, 0, 1])))
    both = exponential([own, null], 0.0, 0.95, "", "")
    assert [both.low, both.high] == pytest.approx(np.exp(1.959964 * np.sqrt(10.25) * np.array([-1, 1])))


def test_the_shift_is_the_root_of_value_and_both_ends():
    """Squared effect .09 with error .03, by hand: pulls of ±.06 in four images."""
    pulls = np.array([0.06, -0.06, 0.06, -0.06])
    found = effect(Influences(0.09, pulls, np.zeros(5)), 0.9)
    half = 1.644854 * 0.03
    assert [found.low, found.value, found.high] == pytest.approx(np.sqrt([0.09 - half, 0.09, 0.09 + half]))
    assert (found.n, found.level, found.unit) == (9, 0.9, "fraction")
    none = effect(Influences(-0.01, pulls, np.zeros(5)), 0.9)
    assert (none.low, none.value) == (0, 0)
    assert none.high == pytest.approx(np.sqrt(half - 0.01))


def test_the_error_is_the_jackknife_s_with_student_s_quantile():
    """√(19/20 Σ (θ_j − θ̄)²) of ten 1s and ten 3s is √19; t of 19 degrees at 95 % is 2.093."""
    half = half_width(np.repeat([1.0, 3.0], GROUPS // 2), 0.95)
    assert half == pytest.approx(np.sqrt(19) * 2.0930241)


def test_a_share_s_interval_is_the_wider_of_the_two_and_stays_within_zero_and_one():
    calm, wild = np.full(GROUPS, 0.5), np.linspace(0, 1, GROUPS)
    short = share_interval(0.5, calm, 100, 300, 0.95)
    assert (short.low, short.high) == pytest.approx(clopper_pearson(50, 100, 0.95))
    half = half_width(wild / 10, 0.95)
    wide = share_interval(0.5, wild / 10, 100, 300, 0.95)
    assert (wide.low, wide.high) == pytest.approx((0.5 - half, 0.5 + half))
    whole = share_interval(0.5, wild, 100, 300, 0.95)
    assert (whole.low, whole.high, whole.n) == (0, 1, 300)
    density = share_interval(1.5, wild / 10, None, 300, 0.95)
    assert (density.low, density.high) == pytest.approx((1.5 - half, 1.5 + half))
    assert share_interval(0.1, wild, None, 300, 0.95).low == 0


def test_a_gap_s_interval_is_the_wider_of_the_two_and_stays_within_one():
    calm, wild = np.zeros(GROUPS), np.linspace(0, 1, GROUPS)
    short = gap_interval(0.7, 0.4, calm, 10, 300, 0.9)
    binomial = difference(7, 10, 4, 10, 0.9)
    assert (short.low, short.high) == pytest.approx((binomial.low, binomial.high))
    half = half_width(wild / 4, 0.9)
    wide = gap_interval(0.7, 0.4, wild / 4, 1000, 300, 0.9)
    assert (wide.low, wide.high) == pytest.approx((0.3 - half, 0.3 + half))
    whole = gap_interval(0.7, 0.4, wild, 10, 300, 0.9)
    assert (whole.low, whole.high, whole.n) == (-1, 1, 300)
    density = gap_interval(3.0, 0.4, wild, None, 300, 0.9)
    assert (density.low, density.high) == pytest.approx((2.6 - 4 * half, 2.6 + 4 * half))
