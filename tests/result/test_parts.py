"""What one step of a check contributes, and what it says would settle a verdict."""

import numpy as np

from didlearn.result.parts import Decision, Parts, settled_by, settled_by_more, settled_by_times
from didlearn.result.values import CheckResult, Table, exactly


def table(name):
    return Table(name=name, title=name, columns=("a",), rows=((1,),))


def test_parts_are_joined_in_the_order_of_the_page():
    first = Parts({"a": exactly(1, 0.95, 9, "m")}, tables=(table("x"),), notes=("one",), arrays={"p": np.zeros(1)})
    second = Parts({"b": exactly(2, 0.95, 9, "m")}, tables=(table("y"),), notes=("two",), arrays={"q": np.ones(1)})
    both = first + second
    assert list(both.estimates) == ["a", "b"]
    assert [t.name for t in both.tables] == ["x", "y"]
    assert both.notes == ("one", "two")
    assert list(both.arrays) == ["p", "q"]
    assert CheckResult(check="c", verdict="measured", **both.fields()).notes == both.notes


def test_a_decision_becomes_a_result_whole():
    decision = Decision("inconclusive", "it is open; 5 would do", "Open.", settled_by(5, "samples"))
    result = CheckResult(check="c", **decision._asdict())
    assert (result.verdict, result.reason, result.answer) == decision[:3]
    assert result.settles == decision.settles
    assert CheckResult(check="c", **Decision("pass", "r", "a")._asdict()).settles is None


def test_what_settles_it_says_the_number_it_holds():
    counted = settled_by(90_000, "samples")
    assert (counted.of, counted.number, counted.times) == ("samples", 90_000, None)
    assert counted.clause == "about 90\u202f000 samples would settle it"
    multiplied = settled_by_times(4, "images")
    assert (multiplied.of, multiplied.number, multiplied.times) == ("images", None, 4)
    assert multiplied.clause == "about 4 times as many images would settle it"
    unknown = settled_by_more("held-out images")
    assert (unknown.of, unknown.number, unknown.times) == ("held-out images", None, None)
    assert unknown.clause == "more held-out images would settle it"
