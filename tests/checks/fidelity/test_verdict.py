"""Verdicts by intervals, not by point estimates; a false alarm is paid for by all effects together."""

import math

import numpy as np
import pytest
from scipy import stats

from didlearn.checks.fidelity.verdict import Classes, FidelityLimits, judge_fidelity
from didlearn.errors import ResultError
from didlearn.result.values import Estimate
from didlearn.statistics.class_shares import ClassShares
from didlearn.statistics.planning import times_to_show

LIMITS = FidelityLimits(0.2, 0.1, 0.05, 1.5, 0.5, 0.5)
LEVEL, SHARE = 0.95, 1 / 6
FINE = {
    "precision_gap": (-0.05, -0.1, 0.0),
    "coverage_gap": (-0.05, -0.1, 0.0),
    "vendi_ratio": (0.95, 0.9, 1.0),
    "kernel_shift": (0.02, 0.0, 0.05),
    "kernel_pvalue": (0.01, 0.01, 0.01),
    "fine_detail": (1.0, 0.95, 1.05),
    "brightness_shift": (0.0, -0.1, 0.1),
}


def all_estimates(**changed):
    values = FINE | changed
    for name in ("precision", "coverage", "recall", "frechet_distance"):
        values |= {name: (0.5, 0.4, 0.6), f"{name}_train": (0.5, 0.4, 0.6)}
    return {key: Estimate(value=v, low=a, high=b, n=9, method="") for key, (v, a, b) in values.items()}


def judge(classes=None, **changed):
    return judge_fidelity(all_estimates(**changed), classes, LIMITS, LEVEL, SHARE)


def shares(ratios, error=0.02):
    """Of as many images and as many of the data that only the error itself counts."""
    k, many = len(ratios), 10**12
    found = ClassShares(np.array(ratios), np.full(k, error), np.full(k, 1 / k), many, many)
    return Classes(found, tuple("abcdefgh"[:k]))


def test_all_within_passes():
    assert judge().verdict == "pass"


@pytest.mark.parametrize(
    ("name", "beyond", "across", "words"),
    [
        ("precision_gap", (-0.4, -0.45, -0.35), (-0.4, -0.6, -0.2), "outside the real ones"),
        ("coverage_gap", (-0.4, -0.45, -0.35), (-0.1, -0.3, 0.1), "without a neighbour"),
        ("vendi_ratio", (0.5, 0.45, 0.55), (0.85, 0.7, 1.0), "less diverse"),
        ("kernel_shift", (0.3, 0.27, 0.33), (0.08, 0.0, 0.2), "differ from real ones"),
        ("fine_detail", (0.1, 0.09, 0.11), (0.7, 0.6, 0.8), "blurred (0.1 times the fine detail of real ones)"),
        ("fine_detail", (3.0, 2.8, 3.2), (1.4, 1.3, 1.6), "noisy (3 times the fine detail of real ones)"),
        ("brightness_shift", (-1.5, -1.6, -1.4), (-0.45, -0.55, -0.35), "darker (by 1.5 standard deviations)"),
        ("brightness_shift", (1.5, 1.4, 1.6), (0.45, 0.35, 0.55), "brighter (by 1.5 standard deviations)"),
    ],
)
def test_each_effect_fails_alone_and_stays_open_across_its_limit(name, beyond, across, words):
    failed = judge(**{name: beyond})
    assert failed.verdict == "fail"
    assert failed.reason.startswith("its images") or failed.reason.startswith("it ")
    assert words in failed.reason
    found = judge(**{name: across})
    assert found.verdict == "inconclusive"
    assert "would settle it" in found.reason


def at_the_border(quantile, level_quantile, limit, error):
    """A value whose wide interval ends just beyond or before the limit, with its interval at 95 %."""
    return [
        (
            limit - step * quantile * error,
            *(limit - step * quantile * error + s * level_quantile * error for s in (-1, 1)),
        )
        for step in (1.001, 0.999)
    ]


def test_a_loss_is_shown_at_its_share_of_the_chance_of_a_false_alarm():
    """One of eight scores, which have half of a sixth of 5 %: Student's quantile of 19 groups at 1 − .05/96."""
    wide, usual = (float(stats.t(19).ppf(p)) for p in (1 - 0.05 / 96, 0.975))
    beyond, open_ = at_the_border(wide, usual, -0.2, 0.02)
    assert judge(precision_gap=beyond).verdict == "fail"
    assert judge(precision_gap=open_).verdict == "inconclusive"


def test_ratios_are_held_on_the_logarithm():
    wide, usual = (float(stats.norm.ppf(p)) for p in (1 - 0.05 / 96, 0.975))
    for values, verdict in zip(at_the_border(wide, usual, math.log(0.8), 0.05), ("fail", "inconclusive"), strict=True):
        assert judge(vendi_ratio=tuple(map(math.exp, values))).verdict == verdict


def test_more_than_training_images_is_no_loss():
    more = {"precision_gap": (0.4, 0.3, 0.5), "coverage_gap": (0.4, 0.3, 0.5), "vendi_ratio": (2.0, 1.5, 2.5)}
    assert judge(**more).verdict == "pass"


def test_a_shift_must_be_found_by_the_exchange_test_too():
    assert judge(kernel_shift=(0.3, 0.27, 0.33), kernel_pvalue=(0.2, 0.2, 0.2)).verdict == "inconclusive"
    assert judge(kernel_shift=(0.3, 0.27, 0.33), kernel_pvalue=(0.05, 0.05, 0.05)).verdict == "inconclusive"
    assert judge(fine_detail=(0.1, 0.09, 0.11), kernel_pvalue=(0.2, 0.2, 0.2)).verdict == "fail"


def test_a_class_that_is_left_out_fails_by_name():
    found = judge(shares([1.1, 0.0, 0.3, 1.0]))
    assert found.verdict == "fail"
    assert found.reason == "it leaves out class b and it makes class c too seldom (30\u202f% of its share)"


def test_several_classes_are_left_out_in_one_breath():
    found = judge(shares([0.0, 0.0, 0.3, 0.3]))
    seldom = "c (30\u202f% of its share) and d (30\u202f% of its share)"
    assert found.reason == f"it leaves out classes a and b and it makes too few of classes {seldom}"


def test_a_class_is_shown_starved_at_its_share_of_the_chance():
    """Four classes, which have half of a sixth of 5 %: z at 1 − .05/48; suspected from 1.96 on."""
    z = float(stats.norm.ppf(1 - 0.05 / 48))
    for times, verdict in ((1.001, "fail"), (0.999, "inconclusive"), (1.97 / z, "inconclusive"), (1.95 / z, "pass")):
        assert judge(shares([1, 1, 1, 0.5 - times * z * 0.05], error=0.05)).verdict == verdict


def test_classes_that_the_classifier_cannot_tell_leave_the_verdict_to_the_rest():
    assert judge(shares([0.1, 1.9], error=5.0)).verdict == "pass"


def test_how_many_images_settle_it():
    """Planned for a repetition; next to the limit nobody can say."""
    found = judge(precision_gap=(-0.15, -0.22, -0.08))
    times = math.ceil(times_to_show(0.05, 0.07, 0.95, 0.95))
    assert f"about {times} times" in found.reason
    assert (found.settles.times, found.settles.number) == (times, None)
    past = judge(precision_gap=(-0.25, -0.32, -0.18))
    assert past.settles.times == math.ceil(times_to_show(0.05, 0.07, 0.95, 1 - 2 * 0.05 / 96)) > times
    two = judge(precision_gap=(-0.15, -0.22, -0.08), coverage_gap=(-0.13, -0.22, -0.04))
    assert two.settles.times == times, "the one that needs most"
    never = judge(precision_gap=(-0.2, -0.3, -0.1))
    assert "more generated, training and held-out images" in never.reason
    assert (never.settles.times, never.settles.number) == (None, None)


def test_an_open_end_is_no_loss_of_nothing():
    estimates = {"precision_gap": Estimate(value=-0.05, low=None, high=0.0, n=9, method="")}
    found = judge_fidelity(all_estimates() | estimates, None, LIMITS, LEVEL, SHARE)
    assert found.verdict == "inconclusive"
    assert found.settles.times is None


def test_a_score_that_is_not_there_is_not_zero():
    absent = {"coverage": Estimate(value=None, low=None, high=None, n=9, method="")}
    with pytest.raises(ResultError, match="has none"):
        judge_fidelity(all_estimates() | absent, None, LIMITS, LEVEL, SHARE)


def test_several_failures_are_listed():
    found = judge(precision_gap=(-0.4, -0.45, -0.35), coverage_gap=(-0.4, -0.45, -0.35), vendi_ratio=(0.5, 0.45, 0.55))
    assert "real ones, it leaves real images without a neighbour and its images are less diverse" in found.reason


def test_only_what_is_open_and_needed_is_named_as_open():
    found = judge(shares([0.1, 1.9], error=5.0), precision_gap=(-0.15, -0.25, -0.05))
    assert found.reason.startswith("whether its images lie outside the real ones is open; ")


def test_below_a_limit_from_above_its_high_end_says_how_many():
    times = judge(kernel_shift=(0.06, 0.0, 0.14)).settles.times
    assert times == math.ceil(times_to_show(0.04, 0.08, 0.95, 0.95))


def test_causes_are_named_before_what_they_bring_about():
    losses = {"coverage_gap": (-0.4, -0.45, -0.35), "fine_detail": (0.1, 0.09, 0.11)}
    words = [
        effect.wrong for effect in judge(shares([1.1, 0.0, 1.0, 1.0]), **losses).effects if effect.outcome == "beyond"
    ]
    assert [word.split("(")[0].strip() for word in words] == [
        "its images are blurred", "it leaves out class b", "it leaves real images without a neighbour"
    ]  # fmt: skip


def test_looks_come_first_then_classes_then_what_both_bring_about():
    looks = ["fine_detail"] * 2 + ["brightness_shift"] * 2
    losses = ["precision_gap", "coverage_gap", "vendi_ratio", "kernel_shift"]
    named = [effect.estimate for effect in judge(shares([1.0, 1.0])).effects]
    assert named == [*looks, "class_share_a", "class_share_b", *losses]
