import pytest

from didlearn.report.settle import UNCOUNTED, UNSAID, settled_by
from didlearn.result.values import CheckResult


def check(reason="", answer="", notes=(), verdict="inconclusive"):
    return CheckResult(check="c", verdict=verdict, reason=reason, answer=answer, notes=notes)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (
            "the difference (-1.2 to 1 standard deviations) is not settled; about 224 images would settle it",
            "About 224 images would settle it.",
        ),
        (
            "the copied fraction is not settled; about 1.5 million samples would settle it",
            "About 1.5 million samples would settle it.",
        ),
        (
            "it (1 to 9): at these rates no number of samples within reach settles it",
            "At these rates no number of samples within reach settles it.",
        ),
        (
            "359 images allow 64 of 256 dimensions to be compared; all of them need 5 120 images",
            "All of them need 5 120 images.",
        ),
        (
            "the bounds lie 4.2 nats apart; about 2 000 gradient evaluations a chain would bring them within 1",
            "About 2 000 gradient evaluations a chain would bring them within 1.",
        ),
        (
            "12 samples are too few to say anything; give at least 50, better thousands",
            "Give at least 50, better thousands.",
        ),
    ],
)
def test_what_settles_it_is_found_in_the_checks_own_words(reason, expected):
    assert settled_by(check(reason)) == expected


def test_answer_and_notes_are_looked_at_too():
    assert (
        settled_by(check("open", "But it found 75 %: more rounds or starts are needed."))
        == f"More rounds or starts are needed. {UNCOUNTED}"
    )
    assert (
        settled_by(check("open", "Open.", ("About 30 images would settle it.",))) == "About 30 images would settle it."
    )


def test_the_reason_comes_before_the_notes():
    assert settled_by(check("open; 5 would settle it", "", ("6 would settle it",))) == "5 would settle it."


def test_a_check_that_does_not_say_is_said_not_to_say():
    assert settled_by(check("the embeddings disagree")) == UNSAID


@pytest.mark.parametrize("verdict", ["pass", "fail", "measured", "not_run", "error"])
def test_other_verdicts_have_nothing_to_settle(verdict):
    assert settled_by(check("5 would settle it", verdict=verdict)) == ""


def test_a_decimal_point_does_not_end_the_sentence():
    assert (
        settled_by(check("about 1.5 times 2.5 million samples would settle it"))
        == "About 1.5 times 2.5 million samples would settle it."
    )
