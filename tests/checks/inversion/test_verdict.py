"""The verdict of inversion, case by case."""

import pytest

from didlearn.checks.inversion.verdict import judge_inversion
from didlearn.result.values import Estimate, exactly


def share(value, low, high):
    return Estimate(value=value, low=low, high=high, n=40, method="given")


def estimates(**changes):
    found = {
        "error_train": exactly(0.01, 0.95, 40, "given"),
        "error_generated": exactly(1e-6, 0.95, 40, "given"),
        "recovered": share(1.0, 0.91, 1.0),
        "recovered_noisy": share(1.0, 0.91, 1.0),
        "off_manifold": share(1.0, 0.9, 1.0),
        "recovery_closer_pvalue": exactly(0.4, 0.95, 80, "given"),
    }
    return found | changes


def judge(honest=True, **changes):
    return judge_inversion(estimates(**changes), 0.95, 0.5, 0.01, honest=honest)


def test_far_training_images_fail():
    found = judge()
    assert found.verdict == "fail"
    assert "not on its manifold" in found.answer


@pytest.mark.parametrize("control", ["recovered", "recovered_noisy"])
def test_a_search_that_misses_what_is_there_says_nothing(control):
    found = judge(**{control: share(0.9, 0.76, 0.97)})
    assert found.verdict == "inconclusive"
    assert (found.settles.of, found.settles.number) == ("rounds or starts", None)
    assert "off" not in found.answer
    assert "not on its manifold" not in found.answer


def test_near_training_images_pass():
    assert judge(off_manifold=share(0.1, 0.03, 0.24)).verdict == "pass"


def test_an_interval_about_the_tolerance_is_open():
    found = judge(off_manifold=share(0.5, 0.34, 0.66))
    assert found.verdict == "inconclusive"
    assert "more images would settle it" in found.answer
    assert found.settles.sentence == "More images would settle it. The check does not say how many."


def test_better_recovered_training_images_fail_where_heldout_ones_are_honest():
    changes = {"off_manifold": share(0.1, 0.03, 0.24), "recovery_closer_pvalue": exactly(1e-4, 0.95, 80, "given")}
    assert judge(**changes).verdict == "fail"
    assert judge(honest=False, **changes).verdict == "pass"


def test_the_answer_says_what_a_better_search_leaves():
    found = judge(
        distance_left=exactly(0.34, 0.95, 40, "given"),
        error_train_published=exactly(0.0112, 0.95, 40, "given"),
        ratio_generated_published=exactly(31.0, 0.95, 40, "given"),
    )
    assert "published protocol says 0.011, 31 times" in found.answer
    assert "leaves 34\u202f% of that distance" in found.answer
