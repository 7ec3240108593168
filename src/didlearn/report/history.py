"""The page of one model's history: its verdicts, and the numbers that tell most, over the checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from didlearn.audit.check import CHECKS
from didlearn.errors import UsageError
from didlearn.report.comparison.direction import direction, null_of
from didlearn.report.page import templates, write
from didlearn.report.plain import plain_name
from didlearn.result.passed_on.history import Entry, History, read_history
from didlearn.result.values import Estimate, Figure, Role, Series
from didlearn.result.words import number

_MOST: Final = 4  # figures of a check
_OPEN: Final = "An interval that is open at an end is not drawn at that end."


@dataclass(frozen=True)
class Course:
    """One check over the checkpoints."""

    check: str
    question: str
    figures: tuple[Figure, ...]


def render_history(history: History, source: str) -> str:
    """Render a history as one page: a row per audit, then a figure per quantity.

    Args:
        history: what a file of JSON lines holds. source: what to call it.

    Raises:
        UsageError: there is no audit in it.
    """
    if not history.entries:
        raise UsageError(f"{source} holds no audit yet; `didlearn audit --history {source}` appends one")
    entries = in_order(history.entries)
    checks = list(dict.fromkeys(check for entry in entries for check in entry.checks))
    page = templates().get_template("history.html")
    return page.render(
        scripts=("print.js",),
        source=source,
        models=list(dict.fromkeys(entry.model for entry in entries if entry.model)),
        entries=entries,
        places=[when(entry, i) for i, entry in enumerate(entries)],
        checks=checks,
        lines=[_line(check, entries) for check in checks],
        broken=history.broken,
        points=400,
    )


def write_history(file: Path, output: Path) -> Path:
    """Render a file of JSON lines into the page ``output`` and return its path.

    Raises:
        UsageError: there is no audit in it. ResultError: it is no history.
    """
    return write(Path(output), render_history(read_history(file), Path(file).name))


def history_in_words(entries: Sequence[Entry]) -> str:
    """Say a line per audit, oldest first: its place, what it answered, and what did not pass."""
    lines = []
    for i, entry in enumerate(in_order(entries)):
        said = entry.answer.sentence if entry.answer is not None else "no answer"
        verdicts = ", ".join(f"{name} {check.verdict}" for name, check in entry.checks.items())
        lines.append(f"{when(entry, i)}: {said} ({verdicts})")
    return "\n".join(lines)


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Return audits by their steps where all have one, else as they were appended."""
    if any(entry.step is None for entry in entries):
        return list(entries)
    return sorted(entries, key=lambda entry: entry.step or 0)


def when(entry: Entry, index: int) -> str:
    """Call an audit by its step, or else by its number."""
    return f"step {number(entry.step)}" if entry.step is not None else f"audit {index + 1}"


def _line(check: str, entries: Sequence[Entry]) -> Course:
    question = CHECKS[check].question if check in CHECKS else ""
    figures = tuple(_figure(check, name, entries) for name in _telling(check, entries)[:_MOST])
    return Course(check, question, figures)


def _telling(check: str, entries: Sequence[Entry]) -> list[str]:
    """Return the estimates that have a better direction, in the check's order; of an unknown check those it gave."""
    found = [entry.checks[check].estimates for entry in entries if check in entry.checks]
    names = dict.fromkeys(name for estimates in found for name in estimates)
    if check not in CHECKS:
        return list(names)
    told = list(CHECKS[check].better)
    return sorted((name for name in names if direction(check, name)), key=lambda name: _rank(told, name))


def _rank(told: Sequence[str], name: str) -> int:
    return told.index(name) if name in told else len(told)


def _figure(check: str, name: str, entries: Sequence[Entry]) -> Figure:
    """Draw one quantity over the checkpoints, beside what real images reach."""
    stepped = all(entry.step is not None for entry in entries)
    at = [float(entry.step or 0) if stepped else i + 1.0 for i, entry in enumerate(entries)]
    found = [(x, e.checks[check].estimates) for x, e in zip(at, entries, strict=True) if check in e.checks]
    own = [(x, estimates[name]) for x, estimates in found if name in estimates]
    nulls = [(x, null) for x, estimates in found if (null := null_of(name, estimates)) is not None]
    series = _series("the generator", "generated", own)
    if nulls:
        series += _series(nulls[0][1].of, "heldout", [(x, null.estimate) for x, null in nulls])
    values = [value for one in series for value in one.y]
    return Figure(
        name=name,
        title=plain_name(check, name),
        x_label="training step" if stepped else "audit",
        y_label=own[0][1].unit or plain_name(check, name),
        series=tuple(series),
        y_log=bool(values) and min(values) > 0 and max(values) > 100 * min(values),
        caption=_OPEN if any(_is_open(estimate) for _, estimate in own) else "",
    )


def _is_open(estimate: Estimate) -> bool:
    return estimate.low is None or estimate.high is None


def _series(label: str, role: Role, found: Sequence[tuple[float, Estimate]]) -> list[Series]:
    """Return the estimates with their intervals, and apart from them the bounds of those that have no value."""
    known = {x: (e.value, e.low_or(e.value), e.high_or(e.value)) for x, e in found if e.value is not None}
    lows = {x: (e.low,) * 3 for x, e in found if e.value is None and e.low is not None}
    highs = {x: (e.high,) * 3 for x, e in found if e.value is None and e.low is None and e.high is not None}
    bounds: Role = "theory" if role == "generated" else role
    named = ((label, role, known), (f"{label}, at least", bounds, lows), (f"{label}, at most", bounds, highs))
    return [_points(words, role, points) for words, role, points in named if points]


def _points(label: str, role: Role, points: Mapping[float, tuple[float, float, float]]) -> Series:
    y, low, high = zip(*points.values(), strict=True)
    # Intervals of finitely many checkpoints, not a band: between two of them nothing was measured.
    return Series(label=label, x=tuple(points), y=y, low=low, high=high, style="points", role=role)
