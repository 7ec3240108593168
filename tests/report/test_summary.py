import numpy as np
import pytest

from didlearn.report.summary import PICTURES, UNSAID, asked, sentence, settled, telling, verdict_counts
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Figure, Gallery, Series, Settles, Tile

TILE = Tile(pixels=np.zeros((8, 8), np.uint8))
SERIES = Series(label="s", x=(1.0,), y=(1.0,))


def gallery(name):
    return Gallery(name=name, title=name, rows=((TILE,),))


def figure(name):
    return Figure(name=name, title=name, x_label="x", y_label="y", series=(SERIES,))


def check(name, verdict="pass", galleries=(), figures=(), **fields):
    return CheckResult(check=name, verdict=verdict, galleries=galleries, figures=figures, **fields)


def names(checks):
    return [(t.check.check, (t.gallery or t.figure).name) for t in telling(checks)]


def test_failures_come_first_then_what_is_open_then_the_order_of_the_page():
    checks = [
        check("a", "pass", [gallery("1")]),
        check("b", "inconclusive", [gallery("2")]),
        check("c", "measured", [gallery("3")]),
        check("d", "fail", [gallery("4")]),
    ]
    assert names(checks) == [("d", "4"), ("b", "2"), ("a", "1")]
    assert [t.at for t in telling(checks)] == [3, 1, 0]


def test_each_check_shows_one_before_any_shows_two():
    checks = [check("a", "fail", [gallery("1"), gallery("2")], [figure("3")]), check("b", "pass", (), [figure("4")])]
    assert names(checks) == [("a", "1"), ("b", "4"), ("a", "2")]


def test_a_figure_stands_in_where_there_is_no_picture_and_knows_its_place():
    empty = Figure(name="e", title="e", x_label="", y_label="", series=())
    (only,) = telling([check("a", "fail", [Gallery(name="g", title="g", rows=())], [empty, figure("f")])])
    assert (only.figure.name, only.index, only.gallery) == ("f", 1, None)


def test_there_are_never_more_than_three_and_may_be_none():
    many = [check(c, "fail", [gallery(c)] * 5) for c in "abcdef"]
    assert len(telling(many)) == PICTURES == 3
    assert telling([check("a")]) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"answer": "It makes 3.5 million images. More follows.", "reason": "r"}, "It makes 3.5 million images."),
        ({"answer": "L" + "o" * 150 + ". B.", "reason": "it is short"}, "It is short."),
        ({"answer": "L" + "o" * 150 + ". B.", "reason": "x" * 300}, "L" + "o" * 150 + "."),
        ({"answer": "", "reason": "no latent"}, "No latent."),
        ({"answer": "", "reason": ""}, ""),
        (
            {"answer": "L" + "o" * 150 + ". B.", "reason": "nothing to compare", "verdict": "measured"},
            "L" + "o" * 150 + ".",
        ),
    ],
)
def test_a_verdict_is_one_sentence(fields, expected):
    assert sentence(check("c", **fields)) == expected


def test_what_would_settle_it_is_said_of_what_is_open_alone():
    counted = Settles(clause="about 1.5 million samples would settle it", of="samples", number=1_500_000)
    assert settled(check("a", "inconclusive", settles=counted)) == "About 1.5 million samples would settle it."
    assert settled(check("a", "inconclusive")) == UNSAID
    assert settled(check("a", "fail", reason="5 would settle it")) == ""


def test_verdicts_are_counted_in_words(collapsed):
    assert verdict_counts(collapsed) == "Of 3 questions, 1 failed, 1 is open, 1 could not be asked."
    assert verdict_counts(AuditResult(checks=(check("a"),))) == "Of 1 question, 1 passed."
    assert verdict_counts(AuditResult(checks=())) == "Nothing was asked."


def test_what_was_asked_names_model_and_data(collapsed):
    said = asked(collapsed)
    assert said == (
        "Asked: whether gan-collapsed learned the distribution of digits, 1\u202f257 images, with 540 held-out images "
        "beside it."
    )
    assert asked(AuditResult(checks=())) == "Asked: whether a generator learned its distribution."
