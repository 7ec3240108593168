"""Typicality's verdict, case by case."""

import numpy as np
import pytest
from scipy import stats

from didlearn.checks.log_likelihood.bounds import slack_of
from didlearn.checks.log_likelihood.sigma import Calibration
from didlearn.checks.typicality.measure import typical_estimates
from didlearn.checks.typicality.verdict import TypicalityLimits, judge_typicality
from didlearn.result.values import exactly
from didlearn.rng import Stream

NOISE = Calibration(0.11, 0.1, 0.11)
LIMITS = TypicalityLimits(tolerance=0.5, level=0.95, share=1 / 6, slack=0.0)


def estimates(shift=0.0, n=40, m=100, seed=0, batch=4):
    rng = np.random.default_rng(seed)
    own, train = rng.normal(50, 3, size=m), rng.normal(50 + 3 * shift, 3, size=n)
    return typical_estimates(own, {"train": train, "held-out": own[:20]}, batch, Stream(seed), 0.95)


def judge(found, outside=None, gap=0.0, drift=0.0, tolerance=0.5, groups=("train", "held-out"), noise=NOISE):
    bounds = {"bound_gap": exactly(gap, 0.95, 8, "given", "nats")}
    bounds |= {"effort_drift": exactly(drift, 0.95, 8, "given", "nats")}
    share = found["atypical_train"]
    count = round(share.value * share.n) if outside is None else outside
    limits = LIMITS._replace(tolerance=tolerance, slack=slack_of(bounds))
    return judge_typicality(found | bounds, count, share.n, limits, list(groups), noise)


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


@pytest.mark.parametrize("shift", [-5.0, 0.0, 5.0])
def test_chains_too_short_for_the_noise_decide_nothing(shift):
    """The mistake this sees: a perfect generator failed, six times in seventeen, its images likelier than its samples.

    Short chains found σ five times too large, and beside samples with so much noise images without any are too likely.
    """
    decision = judge(estimates(shift), noise=Calibration(0.011, 0.0021, 0.011))
    assert decision.verdict == "inconclusive"
    assert "too short for the observation noise (σ = 0.011, where images leave 0.0021)" in decision.reason
    assert decision.settles.clause == "a larger budget would settle it"


@pytest.mark.parametrize(
    ("noise", "strained"),
    [
        (Calibration(0.2), False),
        (Calibration(0.149, 0.1, 0.149), False),
        (Calibration(0.151, 0.1, 0.151), True),
        (Calibration(0.05, 0.1, 0.05), False),
    ],
)
def test_the_noise_may_exceed_what_images_leave_by_half(noise, strained):
    assert noise.strained is strained


def test_a_small_shift_is_no_failure_however_many_images_show_it():
    """The p-value of half a standard deviation goes to nothing as images grow; the share outside stays small."""
    found = estimates(0.5, n=600, m=600)
    assert found["typicality_pvalue_train"].value < 0.001
    assert judge(found).verdict == "pass"


@pytest.mark.parametrize("trials", [20, pytest.param(40, marks=pytest.mark.slow)])
def test_the_same_law_passes(trials):
    verdicts = [judge(estimates(seed=seed, n=16, m=48)).verdict for seed in range(trials)]
    assert verdicts.count("fail") == 0
    assert verdicts.count("pass") >= 0.95 * trials


@pytest.mark.parametrize(
    ("outside", "verdict"), [(14, "pass"), (15, "inconclusive"), (29, "inconclusive"), (30, "fail"), (40, "fail")]
)
def test_the_share_outside_is_held_against_half_beyond_the_nominal_one(outside, verdict):
    """Of 40 images; nominal of 100 samples 4/101, so .54: Clopper and Pearson at 95 %, and at .05/6 in the tail."""
    limit = 4 / 101 + 0.5
    low = stats.beta.ppf(0.05 / 6, outside, 41 - outside)
    high = stats.beta.ppf(0.975, outside + 1, 40 - outside) if outside < 40 else 1
    expected = "fail" if low > limit else "pass" if high <= limit else "inconclusive"
    assert expected == verdict
    found = judge(estimates(-2.0), outside=outside)
    assert found.verdict == verdict
    assert (found.settles is None) == (verdict != "inconclusive")


def away(found):
    """Training images' distance from the samples' mean, in nats."""
    return abs(found["typicality_shift_train"].value) * found["sample_spread"].value


def test_the_distance_is_held_against_the_bounds_in_nats():
    found = estimates(-5.0)
    assert judge(found, gap=0.99 * away(found)).verdict == "fail"
    assert judge(found, gap=away(found)).verdict == "inconclusive"


def test_no_share_exceeds_all_of_them():
    found = judge(estimates(-5.0), tolerance=0.99)
    assert (found.verdict, found.effects[0].tolerance) == ("pass", 1.0)


@pytest.mark.parametrize("outside", [15, 28])
def test_as_many_images_as_told_would_settle_it(outside):
    """What so many images are predicted to find shows the share on either side of the limit, .54, in four of five."""
    found = judge(estimates(-2.0), outside=outside).settles
    assert found.of == "images"
    n, limit, hits = found.number, 4 / 101 + 0.5, np.arange(found.number + 1)
    few = stats.beta.ppf(0.975, hits + 1, np.maximum(n - hits, 1)) <= limit
    many = stats.beta.ppf((1 - LIMITS.level) * LIMITS.share, np.maximum(hits, 1), n - hits + 1) > limit
    power = stats.betabinom(n, outside + 0.5, 40.5 - outside).pmf(hits)[few | many].sum()
    assert 0.79 < power < 0.86  # to a tenth of the number


def test_at_the_limit_it_takes_many_to_settle_it_either_way():
    found = estimates(-2.0) | {"atypical_nominal": exactly(0.25, 0.95, 100, "given")}
    near, far = (judge(found, outside=outside, tolerance=0.25).settles.number for outside in (20, 15))
    assert near > 5 * far


@pytest.mark.parametrize(("shift", "nearer"), [(0.1, True), (-0.1, True), (-3.0, False)])
def test_a_group_that_comes_nearer_to_what_is_typical_is_named(shift, nearer):
    found = {f"typicality_shift_{name}": exactly(value, 0.95, 40, "given") for name, value in
             {"train": -2.0, "heldout": -1.0, "noise": shift}.items()}  # fmt: skip
    answer = judge(estimates(-2.0) | found, groups=("train", "held-out", "noise")).answer
    assert ("noise comes nearer" in answer) is nearer
    assert "train comes nearer" not in answer
    assert "held-out comes nearer" not in answer
