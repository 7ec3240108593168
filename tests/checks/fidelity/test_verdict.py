"""Verdicts by intervals, not by point estimates."""

import pytest

from didlearn.checks.fidelity.verdict import Limits, judge_fidelity
from didlearn.result.values import Estimate

LIMITS = Limits(0.2, 0.1, 0.05)
FINE = {
    "precision_gap": (-0.05, -0.1, 0.0),
    "coverage_gap": (-0.05, -0.1, 0.0),
    "vendi_ratio": (0.95, 0.9, 1.0),
    "kernel_shift": (0.02, 0.0, 0.05),
    "kernel_pvalue": (0.01, 0.01, 0.01),
}


def judge(**changed):
    values = FINE | changed
    for name in ("precision", "coverage", "recall", "frechet_distance"):
        values |= {name: (0.5, 0.4, 0.6), f"{name}_train": (0.5, 0.4, 0.6)}
    estimates = {key: Estimate(value=v, low=a, high=b, n=9, method="") for key, (v, a, b) in values.items()}
    return judge_fidelity(estimates, LIMITS)


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
    assert "about 4 times" in judge(precision_gap=(-0.15, -0.25, -0.05)).reason
    assert "no number of images within reach" in judge(precision_gap=(-0.2, -0.3, -0.1)).reason


def test_several_failures_are_listed():
    found = judge(precision_gap=(-0.4, -0.5, -0.3), coverage_gap=(-0.4, -0.5, -0.3), vendi_ratio=(0.5, 0.4, 0.6))
    assert "real ones, it leaves real images without a neighbour and its images are less diverse" in found.reason
