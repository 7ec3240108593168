"""The verdict of likelihood, case by case."""

import pytest

from didlearn.checks.likelihood.verdict import judge_likelihood, judge_outside
from didlearn.result.values import Estimate, exactly


def nats(value, low, high):
    return Estimate(value=value, low=low, high=high, n=16, method="given", unit="nats")


def judge(outside, gap=0.4, tightness=1.0, own=(90, 80, 99), **preferences):
    """Judge with bounds that lie ``gap`` apart on simulated images, and preferences of held-out over outside images.

    ``own``: the preference of the generator's own images over each outside set.
    """
    found = {
        "bound_gap": nats(gap, gap - 0.1, gap + 0.1),
        "effort_drift": exactly(0.05, 0.95, 16, "given"),
        "log_likelihood_train": nats(-1234.56, -1240, -1230),
        "log_likelihood_heldout": nats(-1250.0, -1256, -1244),
        "preference_train_heldout": nats(15.4, 9, 22),
        "preference_generated_heldout": nats(0.2, -3, 3),
    }
    found |= {f"preference_heldout_{name}": nats(*ends) for name, ends in preferences.items()}
    found |= {f"preference_generated_{name}": nats(*own) for name in preferences}
    return judge_likelihood(found, outside, tightness=tightness, budget=480)


def test_the_verdict_is_by_whether_the_preference_stands_beyond_the_bounds():
    assert judge(["mnist"], mnist=(20, 10, 30)).verdict == "pass"
    assert judge(["mnist"], mnist=(-20, -30, -10)).verdict == "fail"
    assert judge([]).verdict == "measured"


def test_one_set_that_is_likelier_fails_whatever_the_others_are():
    found = judge(["noise", "mnist"], noise=(90, 80, 99), mnist=(-20, -30, -10))
    assert found.verdict == "fail"
    assert found.reason == (
        "mnist is likelier than held-out images and less likely than its own by more than loose bounds explain"
    )


SIMPLE = (-20, -30, -10)


def test_what_is_likelier_than_its_own_images_too_says_nothing():
    """A perfect generator finds simple images likelier than its own, and real ones as likely as its own."""
    alone = judge(["flat"], own=SIMPLE, flat=SIMPLE)
    assert alone.verdict == "measured"
    assert "its own images too are less likely than flat" in alone.answer
    nats_of = {"preference_heldout_noise": nats(20, 10, 30), "preference_generated_noise": nats(20, 10, 30)}
    nats_of |= {"preference_heldout_flat": nats(*SIMPLE), "preference_generated_flat": nats(*SIMPLE)}
    beside = judge_outside(nats_of, ["flat", "noise"], "Said.")
    assert beside.verdict == "pass"
    assert beside.answer == "Said. It finds held-out images likelier than noise."
    assert beside.reason.startswith("held-out images are likelier than noise; its own images too are less likely than")


def test_without_knowing_how_likely_its_own_are_nothing_is_decided():
    found = judge(["flat"], own=(-1, -9, 7), flat=SIMPLE)
    assert found.verdict == "inconclusive"
    assert "flat is not surely less likely than real images" in found.reason
    assert judge(["flat"], own=(9, 0.4, 18), flat=SIMPLE).verdict == "inconclusive"  # within the bounds' slack
    assert judge(["flat"], own=(9, 0.6, 18), flat=SIMPLE).verdict == "fail"


def test_a_preference_within_the_slack_needs_more_images():
    """The slack is the gap's high end, .5 nats: a preference of at least .4 is within it, one of .6 is not."""
    found = judge(["noise", "mnist"], noise=(90, 80, 99), mnist=(20, 0.4, 30))
    assert found.verdict == "inconclusive"
    assert "mnist is not surely less likely than real images" in found.reason
    assert (found.settles.of, found.settles.number) == ("images", None)
    assert judge(["mnist"], mnist=(20, 0.6, 30)).verdict == "pass"


@pytest.mark.parametrize("outside", [[], ["mnist"]])
def test_loose_bounds_need_a_budget_in_proportion_to_their_gap(outside):
    found = judge(outside, gap=2.5, mnist=(1, -3, 5))
    assert found.verdict == "inconclusive"
    assert (found.settles.of, found.settles.number) == ("gradient evaluations a chain", 1200)
    assert "about 1\u202f200 gradient evaluations a chain would bring them within 1" in found.reason
    assert found.settles.clause in found.reason


def test_bounds_as_tight_as_asked_are_tight_enough():
    assert judge(["mnist"], gap=1.0, mnist=(20, 10, 30)).verdict == "pass"
    assert judge(["mnist"], gap=2.5, tightness=2.0, mnist=(20, 10, 30)).settles.number == 600


def test_loose_bounds_leave_a_pass_open_and_hide_no_failure():
    assert judge(["mnist"], gap=2.5, mnist=(20, 10, 30)).verdict == "inconclusive"  # as the page says
    assert judge(["mnist"], gap=2.5, mnist=(-20, -30, -10)).verdict == "fail"


def test_the_answer_says_who_is_likelier_and_how_tight_the_bounds_are():
    answer = judge(["mnist"], gap=0.4234, mnist=(20, 10, 30)).answer
    assert "log-likelihood of \N{MINUS SIGN}1\u202f234.6 nats" in answer
    assert "\N{MINUS SIGN}1\u202f250.0 (training images surely likelier; bounds within 0.52)" in answer
