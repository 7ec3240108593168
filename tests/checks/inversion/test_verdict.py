"""The verdict of inversion, case by case."""

import pytest
from scipy import stats

from didlearn.checks.inversion.measure import Made
from didlearn.checks.inversion.verdict import InversionLimits, judge_inversion
from didlearn.result.values import Estimate, exactly

LIMITS = InversionLimits(required=0.95, holes=0.1, made=0.9, level=0.95, share=1 / 6)


def share(value, low, high):
    return Estimate(value=value, low=low, high=high, n=40, method="given")


def judge(same=0, holes=0, images=40, honest=True, limits=LIMITS, **changes):
    made = Made(images, same, holes, 0.001)
    found = made.estimates(0.95) | {
        "error_train": exactly(0.01, 0.95, 40, "given"),
        "error_generated": exactly(1e-6, 0.95, 40, "given"),
        "recovered": share(1.0, 0.91, 1.0),
        "recovered_noisy": share(1.0, 0.91, 1.0),
        "recovery_closer_pvalue": exactly(0.4, 0.95, 80, "given"),
    }
    return judge_inversion(found | changes, made, limits, honest=honest)


def test_holes_fail():
    found = judge(holes=30)
    assert found.verdict == "fail"
    assert found.reason == "to 75\u202f% of the training images another real image is as near as anything it makes"
    assert found.effects[0].outcome == "beyond"


def test_holes_are_shown_at_their_share_of_the_chance_of_a_false_alarm():
    """One of two effects of one of six checks: Clopper and Pearson's low end at .05/12 in the tail."""
    low = [stats.beta.ppf(0.05 / 12, k, 1001 - k) for k in range(1, 201)]
    first = 1 + next(i for i, end in enumerate(low) if end > 0.1)
    assert judge(holes=first, images=1_000).verdict == "fail"
    assert judge(holes=first - 1, images=1_000).verdict == "measured"


@pytest.mark.parametrize(("pvalue", "verdict"), [(0.05 / 12 - 1e-9, "fail"), (0.05 / 12 + 1e-9, "pass")])
def test_better_recovery_is_shown_at_its_share_of_the_chance_too(pvalue, verdict):
    assert judge(same=40, recovery_closer_pvalue=exactly(pvalue, 0.95, 80, "given")).verdict == verdict


def test_images_that_it_makes_pass():
    assert judge(same=40).verdict == "pass"  # at least 91 %
    assert judge(same=39).verdict == "measured"
    assert judge(same=30, images=30).verdict == "measured"  # at least 88 %


def test_more_than_what_is_asked_must_be_made():
    low = Made(40, 40, 0, 0.001).share_made(0.95).low
    for asked, verdict in ((low, "measured"), (low - 1e-9, "pass")):
        assert judge(same=40, limits=LIMITS._replace(made=asked)).verdict == verdict


def test_what_lies_between_is_described():
    found = judge(same=10, holes=1)
    assert (found.verdict, found.settles) == ("measured", None)
    assert "makes 25\u202f% of its training images up to a mild change; to 2.5\u202f% of them" in found.answer


def test_the_sentence_says_where_nearer_points_are_proven():
    assert (
        "For 40\u202f% of the points found something nearer is proven"
        in judge(segments_consistent=share(0.6, 0.1, 0.9)).answer
    )
    assert "proven" not in judge(segments_consistent=share(1.0, 0.5, 1.0)).answer
    assert "proven" not in judge().answer


@pytest.mark.parametrize("control", ["recovered", "recovered_noisy"])
def test_a_search_that_misses_what_is_there_says_nothing(control):
    found = judge(holes=40, **{control: share(0.9, 0.76, 0.97)})
    assert found.verdict == "inconclusive"
    assert (found.settles.of, found.settles.number) == ("rounds or starts", None)
    assert judge(same=40, **{control: share(0.95, 0.8, 0.99)}).verdict == "pass"


def test_of_two_controls_that_are_missed_the_one_without_noise_is_named():
    found = judge(recovered=share(0.9, 0.8, 0.95), recovered_noisy=share(0.5, 0.4, 0.6))
    assert found.reason.startswith("the search found only 90\u202f% of the planted images again")


@pytest.mark.parametrize(("times", "said"), [(1.0, False), (1.04, False), (1.05, False), (1.06, True), (2.0, True)])
def test_likely_images_that_lie_farther_off_are_worth_a_sentence(times, said):
    likely = exactly(times * 0.01, 0.95, 40, "given")
    assert ("Where its prior has mass" in judge(error_train_likely=likely).answer) is said


def test_what_is_not_known_of_likely_images_and_of_the_published_search_is_not_said():
    unknown = exactly(None, 0.95, 0, "given")
    answer = judge(error_train_likely=unknown, distance_left=unknown).answer
    assert "prior has mass" not in answer
    assert "published" not in answer
    published = {"error_train_published": 0.02, "ratio_generated_published": 3.0, "distance_left": 0.25}
    found = judge(**{name: exactly(value, 0.95, 40, "given") for name, value in published.items()})
    assert "says 0.02, 3 times its own images' error: a better search leaves 25\u202f% of that distance" in found.answer


def test_better_recovered_training_images_fail_where_heldout_ones_are_honest():
    better = {"recovery_closer_pvalue": exactly(1e-4, 0.95, 80, "given")}
    assert judge(same=40, **better).verdict == "fail"
    assert judge(same=40, honest=False, **better).verdict == "pass"
    assert judge(same=40, recovery_closer_pvalue=exactly(0.01, 0.95, 80, "given")).verdict == "pass"
