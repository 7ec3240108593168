"""The verdict of support, case by case."""

import numpy as np
import pytest

from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.support.verdict import judge_support
from didlearn.result.values import Estimate

NONE = np.empty(0, np.int64)


def counts(pairs, samples):
    return Counts(samples, pairs, 0, NONE, NONE, NONE, NONE)


def judge(own, real, factor=2.0, **more):
    """Judge counts of (pairs, samples) by the supports that they show."""
    found, found_real = counts(*own), None if real is None else counts(*real)
    estimates = {"effective_support": found.support(0.95)} | more
    if found_real is not None:
        estimates["effective_support_heldout"] = found_real.support(0.95)
    return judge_support(estimates, found, found_real, factor, 0.95)


def looks(value, low, high):
    return Estimate(value=value, low=low, high=high, n=1000, method="given", unit="images")


def test_below_the_real_support_fails():
    found = judge((500, 1000), (5, 1000))
    assert found.verdict == "fail"
    assert "That is too few" in found.answer


def test_within_the_factor_passes():
    assert judge((100, 1000), (100, 1000)).verdict == "pass"


def test_without_real_images_there_is_nothing_to_compare_with():
    found = judge((100, 1000), None)
    assert found.verdict == "measured"
    assert "makes about 4\u202f9" in found.answer  # 1000 · 999 / 2 pairs of which 100 are duplicates: about 4 995


def test_no_duplicate_at_all_is_a_lower_bound_and_no_number():
    assert "No duplicate among 1\u202f000 samples" in judge((0, 1000), None).answer
    assert "at least" in judge((0, 1000), None).answer


def test_one_image_again_and_again_is_called_so():
    assert "the same image 100 times" in judge((100 * 99 // 2, 100), None).answer


def test_pictures_that_look_alike_no_more_often_pass_where_real_ones_hold_no_duplicate():
    alike = {"lookalike_support": looks(400, 350, 450), "lookalike_support_heldout": looks(410, 360, 460)}
    assert judge((0, 1000), (0, 1000)).verdict == "inconclusive"
    assert judge((0, 1000), (0, 1000), **alike).verdict == "pass"
    assert judge((0, 1000), (0, 1000), lookalike_support=alike["lookalike_support"]).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("own", "real", "of"),
    [((9, 300), (400, 2000), "samples"), ((27, 300), (3, 100), "samples and as many held-out images")],
)
def test_what_settles_it_is_counted_and_said(own, real, of):
    """Of equal supports: beside 400 real pairs samples alone settle it, beside 3 there must be more real images too."""
    found = judge(own, real)
    assert found.verdict == "inconclusive"
    assert found.settles.of == of
    assert found.settles.number > 300
    assert found.settles.clause in found.reason
    assert found.settles.clause in found.answer


def test_equal_supports_at_factor_one_are_settled_by_no_number():
    found = judge((40, 1000), (40, 1000), factor=1.0)
    assert found.verdict == "inconclusive"
    assert (found.settles.of, found.settles.number) == ("", None)
    assert "no number of samples" in found.settles.clause
