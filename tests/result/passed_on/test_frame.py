"""A frame holds every estimate to the last bit, and what is absent is no number in it."""

import sys

import pytest

from didlearn.errors import MissingExtraError
from tests.result.passed_on.audits import audit


def test_a_row_per_estimate_with_every_digit():
    frame = audit().to_frame()
    told = [(c.check, name) for c in audit().checks for name in c.estimates]
    assert list(zip(frame["check"], frame["estimate"], strict=True)) == told
    seen = frame.set_index("estimate").loc["copied_fraction"]
    assert (seen["value"], seen["low"], seen["high"], seen["n"]) == (0.25, 0.2, 0.3, 400)
    assert (seen["verdict"], seen["unit"], seen["method"], seen["level"]) == ("pass", "fraction", "counted", 0.95)


def test_what_is_absent_compares_with_nothing():
    bound = audit().to_frame().set_index("estimate").loc["effective_support"]
    assert bound[["value", "high"]].isna().all()
    assert not bound["value"] < 1e9
    assert bound["low"] == 17_316


def test_an_audit_without_numbers_has_the_columns_all_the_same():
    empty = audit().model_copy(update={"checks": ()}).to_frame()
    assert len(empty) == 0
    assert list(empty.columns) == list(audit().to_frame().columns)


def test_without_pandas_it_says_what_would_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"didlearn\[notebook\]"):
        audit().to_frame()
