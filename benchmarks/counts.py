"""The audits of the truth table, counted: a line for each row and law."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median
from typing import NotRequired, TypedDict

from rows import PERFECT, ROWS, Row

from didlearn.statistics.intervals import clopper_pearson

CHECKS = ("support", "memorization", "fidelity")
_ABSENT = "–"


class Record(TypedDict):
    """One audit: what was asked, and what came of it.

    ``failed``: the effects shown beyond what is tolerated. ``truth``: the planted share of copies; ``value``, ``low``,
    ``high``: that share as it was found. ``said``: whether the words that a row asks for came. ``None`` where there is
    no such thing; older records lack these.
    """

    law: str
    row: str
    seed: int
    answer: str
    sentence: str
    verdicts: dict[str, str]
    failed: list[str]
    truth: NotRequired[float | None]
    value: NotRequired[float | None]
    low: NotRequired[float | None]
    high: NotRequired[float | None]
    said: NotRequired[bool | None]


def table(records: Sequence[Record]) -> str:
    """The Markdown tables: a line for each row and law, and one for all perfect generators together."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        found[record["row"], record["law"]].append(record)
    groups = [(row, law, found[row.name, law]) for row in ROWS for name, law in sorted(found) if name == row.name]
    perfect = [(row, law, group) for row, law, group in groups if row.perfect]
    lines = [_perfect_line(law + row.name.removeprefix(PERFECT), group) for row, law, group in perfect]
    if perfect:
        lines.append(_perfect_line("**all**", [record for *_, group in perfect for record in group]))
    fails = [f"{name} fails / passes" for name in CHECKS]
    planted = [_planted_line(row, law, group) for row, law, group in groups if not row.perfect]
    return "\n".join(
        [
            *_head("perfect: law", "No", "Yes", *fails, "interval holds no copies"),
            *lines,
            "",
            *_head(
                "planted", "law", "check meant", "fails", "share of copies: interval holds it", "in the middle", "said"
            ),
            *planted,
        ]
    )


def _perfect_line(name: str, found: Sequence[Record]) -> str:
    answers = Counter(record["answer"] for record in found)
    cells = [name, share(answers["no"], len(found)), share(answers["yes"], len(found))]
    for check in CHECKS:
        verdicts = Counter(record["verdicts"][check] for record in found)
        cells.append(f"{verdicts['fail']} / {verdicts['pass']}")
    return _line(*cells, _held(found))


def _planted_line(row: Row, law: str, found: Sequence[Record]) -> str:
    fails = share(sum(record["verdicts"][row.meant] == "fail" for record in found), len(found))
    return _line(row.name, law, row.meant, fails, _held(found), _middle(found), _said(found))


def share(hits: int, trials: int) -> str:
    """Write a count with its Clopper–Pearson interval."""
    low, high = clopper_pearson(hits, trials)
    return f"{hits}/{trials} ({100 * low:.0f}–{100 * high:.0f} %)"


def holds(record: Record) -> bool | None:
    """Whether the interval of the share of copies contains what was planted; ``None`` where there is no such thing."""
    truth, low, high = record.get("truth"), record.get("low"), record.get("high")
    if truth is None or (low is None and high is None):
        return None
    return (low is None or low <= truth) and (high is None or truth <= high)


def _held(found: Sequence[Record]) -> str:
    known = [held for held in map(holds, found) if held is not None]
    return share(sum(known), len(known)) if known else _ABSENT


def _middle(found: Sequence[Record]) -> str:
    """The middle one of the shares found, and of the ends of their intervals: an open end is a share's own bound."""
    known = [record for record in found if holds(record) is not None]
    values = [value for record in known if (value := record.get("value")) is not None]
    if not values:
        return _ABSENT
    lows = [0.0 if (low := record.get("low")) is None else low for record in known]
    highs = [1.0 if (high := record.get("high")) is None else high for record in known]
    return f"{100 * median(values):.3g} % ({100 * median(lows):.3g}–{100 * median(highs):.3g} %)"


def _said(found: Sequence[Record]) -> str:
    asked = [said for record in found if (said := record.get("said")) is not None]
    return share(sum(asked), len(asked)) if asked else _ABSENT


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _head(*cells: str) -> tuple[str, str]:
    return _line(*cells), "|---" * len(cells) + "|"
