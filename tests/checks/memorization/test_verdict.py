"""From counts and p-values to verdicts: every branch, and the sentence a reader gets."""

import pytest

from didlearn.checks.memorization.measure import Copies, Matches
from didlearn.checks.memorization.verdict import CopyLimits, judge_copying
from didlearn.result.values import Estimate, exactly

LIMITS = CopyLimits(tolerance=0.001, alpha=0.01, level=0.95, share=1 / 6)


def copying(own=0, certain=0, exact=0, real=0, data=0.5, preference=0.5, match=None, share=None, honest=True, n=10_000):
    """A verdict on n samples, of which so many match a training image, beside 2 000 held-out images."""
    copies = Copies(Matches(own, n, real, 2_000), Matches(certain, n, 0, 2_000), Matches(exact, n, 0, 2_000))
    estimates = {
        "copied_fraction": copies.within.fraction(0.95),
        "training_preference_expected": exactly(0.8, 0.95, 10, "m"),
        "data_copying_pvalue": exactly(data, 0.95, 10, "m"),
        "training_preference_pvalue": exactly(preference, 0.95, 10, "m"),
    }
    if match is not None:
        value, low, high = share
        shown = Estimate(value=value, low=low, high=high, n=10, method="m")
        estimates |= {"match_preference_pvalue": exactly(match, 0.95, 10, "m"), "match_preference": shown}
    return judge_copying(estimates, copies, LIMITS, honest=honest)


NARROW = {"match": 0.4, "share": (0.8, 0.7, 0.8)}  # matches prefer training images no more than their share of the pool


@pytest.mark.parametrize(
    ("case", "verdict", "words"),
    [
        ({}, "pass", "No copying found"),
        ({"data": 0.001}, "pass", "smooth, not copied"),
        (
            {"own": 2_000, "match": 0.001, "share": (0.99, 0.95, 1.0)},
            "fail",
            "copies its training set (20 % of its samples)",
        ),
        ({"own": 2_000, "certain": 60}, "fail", "20 %"),
        ({"own": 2_000, "honest": False}, "fail", "20 %"),
        ({"data": 0.001, "preference": 0.001}, "fail", "leans on its training set"),
        ({"data": 0.005, "preference": 0.001}, "inconclusive", "may be nearer"),
        ({"data": 0.001, "preference": 0.005}, "inconclusive", "may be nearer"),
        ({"preference": 0.001}, "inconclusive", "sees nothing"),
        ({"own": 500, **NARROW}, "pass", "smooth, not copied"),
        ({"own": 500, "match": 0.4, "share": (1.0, 0.3, 1.0)}, "inconclusive", "more held-out images"),
        ({"own": 4}, "inconclusive", "would settle it"),
        ({"own": 10}, "inconclusive", "choose another"),
        ({"real": 2_000}, "inconclusive", "every held-out image lies within the copy threshold too"),
        ({"real": 2_000, "data": 0.001, "preference": 0.001}, "fail", "cannot be told"),
    ],
)
def test_branches_of_copying(case, verdict, words):
    decision = copying(**case)
    assert decision.verdict == verdict, decision
    assert (decision.settles is None) == (verdict != "inconclusive" or "sees nothing" in words)
    assert words.replace(" ", "") in (decision.answer + decision.reason).replace("\u202f", "").replace(" ", "")


def test_copies_are_shown_at_their_share_of_the_chance_of_a_false_alarm():
    """Certain copies, one of three effects of one of six checks: an interval with .05/18 in either tail."""

    def beyond(count):
        return Matches(count, 10_000, 0, 2_000).fraction(1 - 2 * 0.05 / 18).low > 0.001

    counts = range(10, 80)
    verdicts = [copying(own=count, certain=count).verdict for count in counts]
    assert [verdict == "fail" for verdict in verdicts] == [beyond(count) for count in counts]
    assert 0 < verdicts.index("fail") < 69  # what 2 000 held-out images without a match do not exclude is no copying


def test_held_out_images_that_match_as_often_are_the_null():
    assert copying(own=100, certain=0, real=20, match=0.001, share=(0.9, 0.8, 1.0)).verdict != "fail"


@pytest.mark.parametrize("count", [1, 3])
def test_certain_copies_are_said_however_few(count):
    decision = copying(exact=count, own=count)
    assert f"; {count} of 10\u202f000 are training images to the last bit" in decision.answer
    assert "last bit" not in copying().answer


def test_held_out_images_that_are_training_images_are_said_beside():
    copies = Copies(*[Matches(5, 10_000, 2, 2_000)] * 3)
    estimates = {
        "copied_fraction": copies.within.fraction(0.95),
        "training_preference_expected": exactly(0.8, 0.95, 10, "m"),
    }
    answer = judge_copying(estimates, copies, LIMITS, honest=True).answer
    assert "to the last bit, as are 2 of 2\u202f000 held-out images" in answer


def test_how_many_samples_settle_it_is_data():
    """4 of 10 000: the interval reaches .00103, 6.3e-4 above; the limit lies 6e-4 away: the ratio squared."""
    settles = copying(own=4).settles
    high = copying(own=4).effects
    assert high[0].outcome == "open"
    reach = Matches(4, 10_000, 0, 2_000).fraction(0.95).high - 0.0004
    assert settles.number == pytest.approx(10_000 * (reach / 0.0006) ** 2, rel=1e-3)
    assert settles.of == "samples"
    assert copying(own=10).settles.of == ""
    blurred = copying(own=500, match=0.4, share=(1.0, 0.3, 1.0)).settles
    assert (blurred.number, blurred.of) == (None, "held-out images")


def test_a_p_value_that_is_not_there_shows_nothing():
    """Where no sample matches a real image there is nothing to exchange."""
    copies = Copies(*[Matches(0, 10_000, 0, 2_000)] * 3)
    estimates = {
        "copied_fraction": copies.within.fraction(0.95),
        "training_preference_expected": exactly(0.8, 0.95, 10, "m"),
    }
    absent = Estimate(value=None, low=None, high=None, n=0, method="m")
    assert judge_copying(estimates, copies, LIMITS, honest=True).verdict == "pass"
    with_absent = estimates | {"training_preference_pvalue": absent}
    assert judge_copying(with_absent, copies, LIMITS, honest=True).verdict == "pass"
