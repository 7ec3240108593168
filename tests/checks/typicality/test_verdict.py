"""Typicality's verdict, case by case."""

import numpy as np
import pytest

from didlearn.checks.typicality.measure import typical_estimates
from didlearn.checks.typicality.verdict import TypicalityLimits, judge_typicality
from didlearn.result.values import exactly
from didlearn.rng import Stream

LIMITS = TypicalityLimits(tolerance=0.5, level=0.95, share=1 / 6)


def estimates(shift=0.0, n=40, m=100, seed=0, batch=4):
    rng = np.random.default_rng(seed)
    own, train = rng.normal(50, 3, size=m), rng.normal(50 + 3 * shift, 3, size=n)
    return typical_estimates(own, {"train": train, "held-out": own[:20]}, batch, Stream(seed), 0.95)


def judge(found, outside=None, gap=0.0, drift=0.0):
    bounds = {"bound_gap": exactly(gap, 0.95, 8, "given", "nats")}
    bounds |= {"effort_drift": exactly(drift, 0.95, 8, "given", "nats")}
    share = found["atypical_train"]
    count = round(share.value * share.n) if outside is None else outside
    return judge_typicality(found | bounds, count, share.n, LIMITS, ["train", "held-out"])


@pytest.mark.parametrize(("shift", "words"), [(-5.0, "less likely"), (5.0, "likelier")])
def test_both_directions_fail(shift, words):
    decision = judge(estimates(shift))
    assert decision.verdict == "fail"
    assert words in decision.answer
    assert decision.reason == "100\u202f% of its training images lie outside what is typical of it"


def test_a_difference_within_the_gap_of_the_bounds_is_open():
    assert judge(estimates(-5.0), gap=200.0).verdict == "inconclusive"
    assert judge(estimates(-5.0), drift=200.0).verdict == "inconclusive"
    assert judge(estimates(0.0), gap=200.0).verdict == "pass"


def test_a_small_shift_is_no_failure_however_many_images_show_it():
    """The p-value of half a standard deviation goes to nothing as images grow; the share outside stays small."""
    found = estimates(0.5, n=2_000, m=2_000)
    assert found["typicality_pvalue_train"].value < 0.001
    assert judge(found).verdict == "pass"


def test_the_same_law_passes():
    verdicts = [judge(estimates(seed=seed, n=16, m=48)).verdict for seed in range(40)]
    assert verdicts.count("fail") == 0
    assert verdicts.count("pass") >= 38


@pytest.mark.parametrize(
    ("outside", "verdict"), [(14, "pass"), (15, "inconclusive"), (29, "inconclusive"), (30, "fail"), (40, "fail")]
)
def test_the_share_outside_is_held_against_half_beyond_the_nominal_one(outside, verdict):
    """Of 40 images; nominal of 100 samples 4/101, so .54: Clopper and Pearson at 95 %, and at .05/6 in the tail."""
    from scipy import stats

    limit = 4 / 101 + 0.5
    low = stats.beta.ppf(0.05 / 6, outside, 41 - outside)
    high = stats.beta.ppf(0.975, outside + 1, 40 - outside) if outside < 40 else 1
    expected = "fail" if low > limit else "pass" if high <= limit else "inconclusive"
    assert expected == verdict
    found = judge(estimates(-2.0), outside=outside)
    assert found.verdict == verdict
    assert (found.settles is None) == (verdict != "inconclusive")
