"""Which way a number is better, what real images reach, and when one model is shown the better."""

import pytest

from didlearn.checks import CHECKS
from didlearn.report.comparison.direction import SAID, direction, null_of, shown_better
from didlearn.result.values import Estimate


def estimate(value, low, high):
    return Estimate(value=value, low=low, high=high, n=10, method="m")


@pytest.mark.parametrize(
    ("check", "name", "better"),
    [
        ("support", "effective_support", "more"),
        ("memorization", "copied_fraction", "less"),
        ("fidelity", "class_share_seven", "one"),
        ("inversion", "holes", "less"),
        ("support", "threshold", None),
        ("nobody", "effective_support", None),
    ],
)
def test_the_direction_is_the_check_s_own(check, name, better):
    assert direction(check, name) == better


def test_every_direction_is_of_an_estimate_that_is_declared_and_has_words():
    for check in CHECKS.values():
        for name, better in check.better.items():
            assert any(key.split("[")[0] == name or name.startswith(key.split("{")[0]) for key in check.estimates), name
            assert better in SAID


def test_nulls_are_the_twins_that_were_measured():
    one = estimate(1, 0, 2)
    assert null_of("coverage", {"coverage": one, "coverage_train": one}).of == "training images"
    assert null_of("made", {"made": one}) is None
    assert null_of("atypical_train", {"atypical_train": one, "atypical_nominal": one}).of == "its own samples"
    assert null_of("coverage_train", {"coverage": one, "coverage_train": one}) is None


@pytest.mark.parametrize(
    ("better", "ours", "theirs", "aim", "shown"),
    [
        ("more", (2, 1.5, 2.5), (1, 0.5, 1.4), None, True),
        ("more", (2, 1.5, 2.5), (1, 0.5, 1.5), None, False),
        ("more", (2, 1.5, None), (1, 0.5, 1.4), None, True),
        ("more", (2, None, 2.5), (1, 0.5, 1.4), None, False),
        ("more", (2, 1.5, 2.5), (1, 0.5, None), None, False),
        ("less", (1, 0.5, 1.4), (2, 1.5, 2.5), None, True),
        ("less", (2, 1.5, 2.5), (1, 0.5, 1.4), None, False),
        ("one", (0.9, 0.8, 1.1), (2, 1.5, 2.5), None, True),
        ("one", (0.9, 0.8, 1.1), (1.3, 1.15, 1.5), None, False),
        ("one", (0.9, 0.8, 1.1), (0.5, 0.4, 0.6), None, True),
        ("one", (2, 1.5, None), (5, 4, 6), None, False),
        ("zero", (0.1, -0.1, 0.2), (-0.5, -0.6, -0.4), None, True),
        ("zero", (0.1, -0.1, 0.2), (0.3, -1, 1), None, False),
        ("same", (5, 4, 6), (9, 8, 10), 5.5, True),
        ("same", (5, 4, 6), (9, 8, 10), None, False),
    ],
)
def test_better_is_shown_by_intervals_that_do_not_meet(better, ours, theirs, aim, shown):
    assert shown_better(estimate(*ours), estimate(*theirs), better, aim) is shown
