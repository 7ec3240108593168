"""Verdicts by intervals, not by point estimates."""

import pytest

from didlearn.checks.fidelity.verdict import FidelityLimits, judge_fidelity
from didlearn.errors import ResultError
from didlearn.result.values import Estimate

LIMITS = FidelityLimits(0.2, 0.1, 0.05)
FINE = {
    "precision_gap": (-0.05, -0.1, 0.0),
    "coverage_gap": (-0.05, -0.1, 0.0),
    "vendi_ratio": (0.95, 0.9, 1.0),
    "kernel_shift": (0.02, 0.0, 0.05),
    "kernel_pvalue": (0.01, 0.01, 0.01),
}


def all_estimates(**changed):
    values = FINE | changed
    for name in ("precision", "coverage", "recall", "frechet_distance"):
        values |= {name: (0.5, 0.4, 0.6), f"{name}_train": (0.5, 0.4, 0.6)}
    return {key: Estimate(value=v, low=a, high=b, n=9, method="") for key, (v, a, b) in values.items()}


def judge(**changed):
    return judge_fidelity(all_estimates(**changed), LIMITS)


def test_all_within_passes():
    assert judge().verdict == "pass"


@pytest.mark.parametrize(
    ("name", "beyond", "across"),
    [
        ("precision_gap", (-0.4, -0.5, -0.3), (-0.4, -0.6, -0.1)),
        ("coverage_gap", (-0.4, -0.5, -0.3), (-0.1, -0.3, 0.1)),
        ("vendi_ratio", (0.5, 0.4, 0.6), (0.85, 0.7, 1.0)),
        ("kernel_shift", (0.3, 0.2, 0.4), (0.08, 0.0, 0.2)),
    ],
)
def test_each_loss_fails_alone_and_stays_open_across_its_limit(name, beyond, across):
    assert judge(**{name: beyond}).verdict == "fail"
    found = judge(**{name: across})
    assert found.verdict == "inconclusive"
    assert "times as many" in found.reason


def test_more_than_training_images_is_no_loss():
    more = {"precision_gap": (0.4, 0.3, 0.5), "coverage_gap": (0.4, 0.3, 0.5), "vendi_ratio": (2.0, 1.5, 2.5)}
    assert judge(**more).verdict == "pass"


def test_a_shift_must_be_found_by_the_exchange_test_too():
    assert judge(kernel_shift=(0.3, 0.2, 0.4), kernel_pvalue=(0.2, 0.2, 0.2)).verdict == "inconclusive"


def test_how_many_images_settle_it():
    """Twice as far from the limit as the interval reaches is settled; half as far needs four times the images."""
    found = judge(precision_gap=(-0.15, -0.25, -0.05))
    assert "about 4 times" in found.reason
    assert (found.settles.times, found.settles.number) == (4, None)
    never = judge(precision_gap=(-0.2, -0.3, -0.1))
    assert "no number of images within reach" in never.reason
    assert (never.settles.times, never.settles.of) == (None, "")


def test_an_open_end_is_no_loss_of_nothing():
    estimates = {"precision_gap": Estimate(value=-0.05, low=None, high=0.0, n=9, method="")}
    found = judge_fidelity(all_estimates() | estimates, LIMITS)
    assert found.verdict == "inconclusive"
    assert "no number of images within reach" in found.settles.clause


def test_a_score_that_is_not_there_is_not_zero():
    with pytest.raises(ResultError, match="has none"):
        judge_fidelity(
            all_estimates() | {"coverage": Estimate(value=None, low=None, high=None, n=9, method="")}, LIMITS
        )


def test_several_failures_are_listed():
    found = judge(precision_gap=(-0.4, -0.5, -0.3), coverage_gap=(-0.4, -0.5, -0.3), vendi_ratio=(0.5, 0.4, 0.6))
    assert "real ones, it leaves real images without a neighbour and its images are less diverse" in found.reason
