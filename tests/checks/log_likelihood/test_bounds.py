"""How loose the bounds may be."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from didlearn.checks.log_likelihood.bounds import bound_gap, effort_drift, slack_of
from didlearn.result.values import Estimate, exactly


def test_the_gap_is_the_mean_of_upper_minus_lower():
    bounds = SimpleNamespace(lower=np.array([1.0, 2.0, 3.0]), upper=np.array([2.0, 4.0, 6.0]))
    found = bound_gap(bounds, 0.9)["bound_gap"]
    # Student's quantile for 90 % and two degrees of freedom is 2.920; the differences are 1, 2, 3.
    assert (found.value, found.high) == pytest.approx((2, 2 + 2.91999 / math.sqrt(3)))
    assert (found.level, found.n, found.unit) == (0.9, 3, "nats")
    assert "bidirectional" in found.method


def test_the_drift_is_the_largest_rise_and_never_negative():
    before = {"train": np.array([0.0, 2.0]), "noise": np.array([5.0, 5.0, 5.0])}
    after = {"train": np.array([1.0, 2.0]), "noise": np.array([5.0, 5.0, 8.0])}
    found = effort_drift(before, after, 0.9)["effort_drift"]
    assert (found.value, found.n, found.level, found.unit) == (1.0, 3, 0.9, "nats")
    assert "noise" in found.method
    assert effort_drift(after, before, 0.9)["effort_drift"].value == 0


@pytest.mark.parametrize(
    ("gap", "drift", "slack"), [(0.5, 0.2, 0.5), (0.5, 3.0, 3.0), (-1.0, 0.0, 0.0), (None, 0.2, math.inf)]
)
def test_slack_is_the_looser_of_the_two(gap, drift, slack):
    ends = Estimate(value=-1.0, low=-2.0, high=gap, n=3, method="given")
    assert slack_of({"bound_gap": ends, "effort_drift": exactly(drift, 0.9, 3, "given")}) == slack


def test_a_drift_that_was_not_measured_is_no_tightness():
    absent = Estimate(value=None, low=None, high=None, n=0, method="given")
    assert slack_of({"bound_gap": exactly(0.1, 0.9, 3, "given"), "effort_drift": absent}) == math.inf
