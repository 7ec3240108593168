"""The page of a history: every audit in its place, numbers with intervals, and nothing drawn that is not there."""

import re

import pytest

from didlearn.errors import UsageError
from didlearn.report.history import history_in_words, in_order, render_history
from didlearn.result.passed_on.history import CheckEntry, Entry, History
from didlearn.result.values import Estimate
from tests.report.conftest import HOSTILE


def entry(step, value, low, high, verdict="fail"):
    support = Estimate(value=value, low=low, high=high, n=1000, method="pairs", unit="images")
    held = Estimate(value=None, low=5_000, high=None, n=1000, method="pairs", unit="images")
    estimates = {"effective_support": support, "effective_support_heldout": held}
    return Entry(
        step=step,
        date="2026-11-30T00:00:00Z",
        model=HOSTILE,
        checks={"support": CheckEntry(verdict=verdict, estimates=estimates)},
    )


ENTRIES = (entry(300, None, 17_000, None, "pass"), entry(100, 80, 70, 90), entry(200, 240, 200, None))


def figure(monkeypatch, entries=ENTRIES):
    """Return the page, and the figures that were drawn for it."""
    drawn = []
    from didlearn.report import page

    draw = page.templates().globals["draw"]

    def noted(figures, key, points):
        drawn.extend(figures)
        return draw(figures, key, points)

    monkeypatch.setitem(page.templates().globals, "draw", noted)
    return render_history(History(tuple(entries), 1), "history.jsonl"), drawn


def test_audits_stand_in_the_order_of_their_steps():
    assert [e.step for e in in_order(ENTRIES)] == [100, 200, 300]
    assert [line.partition(":")[0] for line in history_in_words(ENTRIES).splitlines()] == [
        "step 100", "step 200", "step 300",
    ]  # fmt: skip
    unplaced = (*ENTRIES, ENTRIES[0].model_copy(update={"step": None}))
    assert in_order(unplaced) == list(unplaced)


def test_an_absent_value_is_drawn_as_a_bound_and_never_as_a_number(monkeypatch):
    _, figures = figure(monkeypatch)
    (drawn,) = [f for f in figures if f.name == "effective_support"]
    series = {s.label: s for s in drawn.series}
    assert series["the generator"].x == (100, 200)
    assert series["the generator"].y == (80, 240)
    assert (series["the generator"].low, series["the generator"].high) == ((70, 200), (90, 240))
    assert (series["the generator, at least"].x, series["the generator, at least"].y) == ((300,), (17_000,))
    assert series["held-out images, at least"].y == (5_000,) * 3
    assert "open at an end" in drawn.caption


def test_verdicts_and_broken_lines_are_said(monkeypatch):
    page, _ = figure(monkeypatch)
    assert re.findall(r'class="badge (\w+)"', page) == ["fail", "fail", "pass"]
    assert "1 line of the file could not be read and was left out" in page


def test_names_come_out_inert(monkeypatch):
    page, _ = figure(monkeypatch)
    assert HOSTILE not in page
    assert "<img src=x" not in page


def test_an_empty_history_says_how_to_fill_it():
    with pytest.raises(UsageError, match="--history"):
        render_history(History((), 0), "history.jsonl")
