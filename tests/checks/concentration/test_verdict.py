"""What is said of a constant and of fluctuations. Mistakes seen: a bound that is not there said as one."""

import pytest

from didlearn.checks.concentration.verdict import concentration_answer, judge_concentration
from didlearn.result.values import Estimate, exactly


def constant(low, high, typical):
    estimate = Estimate(value=low, low=low, high=high, n=9, method="")
    return {"lipschitz": estimate, "lipschitz_typical": exactly(typical, 0.95, 9, "")}


def growth(slope, ratio):
    return {"quadratic_slope": exactly(slope, 0.95, 9, ""), "quadratic_ratio": exactly(ratio, 0.95, 9, "")}


def test_a_constant_between_bounds():
    said = "The generator is Lipschitz, with a constant between 2 and 5 (at a typical latent 1.5)."
    assert concentration_answer(constant(2, 5, 1.5), "") == said


def test_a_constant_without_an_upper_bound():
    said = "Its Lipschitz constant is at least 2 (at a typical latent 1.5)."
    assert concentration_answer(constant(2, None, 1.5), "unused") == said


def test_no_constant():
    said = "Its Lipschitz constant is not known: there is no latent. ‖x‖² of its features varies 2 times"
    assert concentration_answer(growth(0, 2), "there is no latent").startswith(said)


@pytest.mark.parametrize(
    ("slope", "ratio", "words"),
    [
        (0.51, 3.1, "do not concentrate"),
        (0.5, 3.1, "they concentrate"),
        (0.51, 3.0, "they concentrate"),
        (None, 9.0, "too few dimensions to say"),
    ],
)
def test_fluctuations_must_be_large_and_grow(slope, ratio, words):
    assert words in concentration_answer(growth(slope, ratio), "")


def test_numbers_are_described_and_nothing_is_left_open_without_any():
    found = judge_concentration(constant(2, 5, 1.5), "")
    assert (found.verdict, found.answer) == ("measured", concentration_answer(constant(2, 5, 1.5), ""))
    assert judge_concentration({}, "there is no latent").verdict == "inconclusive"
