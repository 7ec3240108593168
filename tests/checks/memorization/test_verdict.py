"""From estimates to verdicts: every branch, and the sentence a reader gets."""

import pytest

from didlearn.checks.memorization.verdict import judge_copying
from didlearn.result.values import Estimate, exactly


def estimate(value, low, high):
    return Estimate(value=value, low=low, high=high, n=10_000, method="m")


def copying(copied=(0.0, 0.0, 0.004), certain=0.0, data=0.5, preference=0.5, match=None, share=None, honest=True):
    estimates = {
        "copied_fraction": estimate(*copied),
        "certain_copies": estimate(certain, certain, certain + 0.1),
        "training_preference_expected": exactly(0.8, 0.95, 10, "m"),
        "data_copying_pvalue": exactly(data, 0.95, 10, "m"),
        "training_preference_pvalue": exactly(preference, 0.95, 10, "m"),
    }
    if match is not None:
        estimates |= {"match_preference_pvalue": exactly(match, 0.95, 10, "m"), "match_preference": estimate(*share)}
    return judge_copying(estimates, 0.01, 0.01, honest=honest)


@pytest.mark.parametrize(
    ("case", "verdict", "words"),
    [
        ({}, "pass", "No copying found"),
        ({"data": 0.001}, "pass", "smooth, not copied"),
        ({"copied": (0.2, 0.18, 0.22), "match": 0.001, "share": (0.99, 0.95, 1.0)}, "fail", "20 % of its samples"),
        ({"copied": (0.05, 0.04, 0.06), "certain": 0.04}, "fail", "5 %"),
        ({"data": 0.001, "preference": 0.001}, "fail", "leans on its training set"),
        ({"preference": 0.001}, "inconclusive", "sees nothing"),
        ({"copied": (0.05, 0.04, 0.06), "match": 0.4, "share": (0.8, 0.7, 0.82)}, "pass", "smooth, not copied"),
        (
            {"copied": (0.05, 0.04, 0.06), "match": 0.4, "share": (1.0, 0.3, 1.0)},
            "inconclusive",
            "more held-out images",
        ),
        ({"copied": (0.05, 0.04, 0.06), "match": 0.4, "share": (0.8, 0.7, 0.82), "honest": False}, "fail", "exceeds"),
        ({"copied": (0.005, 0.0, 0.02)}, "inconclusive", "about 90 000 samples would settle it"),
        ({"copied": (0.01, 0.0, 0.02)}, "inconclusive", "choose another"),
        ({"copied": (None, 0.0, 1.0)}, "inconclusive", "every held-out image lies within the copy threshold too"),
        ({"copied": (None, 0.0, 1.0), "data": 0.001, "preference": 0.001}, "fail", "cannot be told"),
    ],
)
def test_branches_of_copying(case, verdict, words):
    decision = copying(**case)
    assert decision.verdict == verdict, decision
    assert (decision.settles is None) == (verdict != "inconclusive" or "sees nothing" in words)
    assert words.replace(" ", "") in (decision.answer + decision.reason).replace("\u202f", "").replace(" ", "")


def test_how_many_samples_settle_it_is_data():
    """Of 10 000 samples the interval reaches .015 to a limit that lies .005 away: three times the root, nine times."""
    settles = copying(copied=(0.005, 0.0, 0.02)).settles
    assert (settles.number, settles.of) == (90_000, "samples")
    assert copying(copied=(0.01, 0.0, 0.02)).settles.of == ""
    blurred = copying(copied=(0.05, 0.04, 0.06), match=0.4, share=(1.0, 0.3, 1.0)).settles
    assert (blurred.number, blurred.of) == (None, "held-out images")


def test_a_p_value_that_is_not_there_shows_nothing():
    """Where no sample matches a real image there is nothing to exchange: a certain copy alone is none."""
    estimates = {
        "copied_fraction": estimate(0.0, 0.0, 0.004),
        "certain_copies": estimate(0.0, 0.0, 0.004),
        "training_preference_expected": exactly(0.8, 0.95, 10, "m"),
    }
    absent = Estimate(value=None, low=None, high=None, n=0, method="m")
    assert judge_copying(estimates, 0.01, 0.01, honest=True).verdict == "pass"
    assert judge_copying(estimates | {"training_preference_pvalue": absent}, 0.01, 0.01, honest=True).verdict == "pass"


def test_pvalues_that_are_not_there_are_not_small():
    """The mistake this sees: a p-value of 0 where no test was run."""
    names = ("data_copying_pvalue", "training_preference_pvalue", "match_preference_pvalue")
    absent = Estimate(value=None, low=None, high=None, n=10, method="m")
    for given in ({}, dict.fromkeys(names, absent)):
        estimates = given | {
            "copied_fraction": estimate(0.0, 0.0, 0.004),
            "certain_copies": estimate(0.0, 0.0, 0.004),
            "training_preference_expected": exactly(0.8, 0.95, 10, "m"),
        }
        assert judge_copying(estimates, 0.01, 0.01, honest=True).verdict == "pass"
        estimates["copied_fraction"] = estimate(0.05, 0.04, 0.06)
        assert judge_copying(estimates, 0.01, 0.01, honest=True).verdict == "inconclusive"
