"""The summary: what was asked, one plain sentence per verdict, and the pictures that tell most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from didlearn.report.provenance import data_name, model_name
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Figure, Gallery, Verdict
from didlearn.result.words import in_full

PICTURES: Final = 3
RULE: Final = (
    "Chosen by rule: failed checks come first, then inconclusive ones, then the rest in their order on this page; of "
    "each its first gallery, or its first figure where it has none; what is left over is filled with their next ones."
)
UNSAID: Final = "This check does not say how many images would settle it."
_PRESSING: Final[tuple[Verdict, ...]] = ("fail", "inconclusive")
_SHORT: Final = 130
_STOP = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_a-z])")
_COUNTED: Final = {
    "fail": ("failed", "failed"),
    "inconclusive": ("is open", "are open"),
    "pass": ("passed", "passed"),
    "measured": ("describes and decides nothing", "describe and decide nothing"),
    "not_run": ("could not be asked", "could not be asked"),
    "error": ("ended in an error", "ended in an error"),
}


@dataclass(frozen=True)
class Telling:
    """A gallery or a figure worth a place in the summary.

    Attributes:
        at: the check's place in the result, from 0. check: whose it is.
        gallery, figure: one of them; ``index`` is a figure's place in its check, from 0.
    """

    at: int
    check: CheckResult
    gallery: Gallery | None = None
    figure: Figure | None = None
    index: int = 0


def asked(result: AuditResult) -> str:
    """Say in one sentence what was asked of which model, and beside what data."""
    data, images, heldout = data_name(result), _images_of(result, "train"), _images_of(result, "heldout")
    if not data:
        return f"Asked: whether {model_name(result)} learned its distribution."
    size = f", {images} images" if images else ""
    beside = f", with {heldout} held-out images beside it" if heldout else ""
    return f"Asked: whether {model_name(result)} learned the distribution of {data}{size}{beside}."


def verdict_counts(result: AuditResult) -> str:
    """Count the verdicts: ``Of 8 questions 3 failed, 1 is open, 1 passed.``."""
    counts = {v: sum(c.verdict == v for c in result.checks) for v in _COUNTED}
    said = [f"{n} {_COUNTED[v][n > 1]}" for v, n in counts.items() if n]
    total = len(result.checks)
    return f"Of {total} question{'s' * (total != 1)}, {', '.join(said)}." if said else "Nothing was asked."


def sentence(check: CheckResult) -> str:
    """Return the verdict in one plain sentence: the answer's first where it is short, else the reason if it is shorter.

    A measured check gives its first sentence: its reason only says why nothing was decided. The whole answer and the
    reason stand in the check's own section.
    """
    first, reason = _STOP.split(check.answer, maxsplit=1)[0], _without_what_settles(check)
    plain = len(first) <= _SHORT or check.verdict == "measured" or len(reason) >= len(first)
    return first if first and (plain or not reason) else as_sentence(reason)


def as_sentence(text: str) -> str:
    """Make a clause a sentence: a capital, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.!?' else '.'}" if text else ""


def _without_what_settles(check: CheckResult) -> str:
    """The reason without the clause that stands in a line of its own."""
    return check.reason if check.settles is None else check.reason.removesuffix(f"; {check.settles.clause}")


def settled(check: CheckResult) -> str:
    """Say what would settle an inconclusive check; nothing for any other verdict."""
    if check.verdict != "inconclusive":
        return ""
    return UNSAID if check.settles is None else check.settles.sentence


def inside(check: CheckResult) -> str:
    """Count what a check holds behind its answer and its main figure: ``24 numbers, 2 more figures, 1 table``."""
    counts = (
        (len(check.estimates), "number"),
        (len(check.figures) - 1, "more figure"),
        (len(check.galleries), "gallery"),
        (len(check.tables), "table"),
        (len(check.notes), "note"),
        (len(check.params), "parameter"),
    )
    return ", ".join(f"{n} {_plural(what, n)}" for n, what in counts if n > 0)


def _plural(what: str, n: int) -> str:
    if n == 1:
        return what
    return f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"


def telling(checks: Sequence[CheckResult]) -> list[Telling]:
    """Choose up to ``PICTURES`` galleries and figures by ``RULE``."""
    ranked = sorted(range(len(checks)), key=lambda i: (_how_pressing(checks[i].verdict), i))
    shown = [_candidates(i, checks[i]) for i in ranked]
    depth = max(map(len, shown), default=0)
    turns = [each[turn] for turn in range(depth) for each in shown if turn < len(each)]
    return turns[:PICTURES]


def _how_pressing(verdict: Verdict) -> int:
    return _PRESSING.index(verdict) if verdict in _PRESSING else len(_PRESSING)


def _candidates(at: int, check: CheckResult) -> list[Telling]:
    galleries = [Telling(at, check, gallery=g) for g in check.galleries if any(g.rows)]
    figures = [Telling(at, check, figure=f, index=i) for i, f in enumerate(check.figures) if f.series]
    return galleries + figures


def _images_of(result: AuditResult, part: str) -> str:
    record = result.subject.get(part)
    images = record.get("images") if isinstance(record, dict) else None
    return in_full(images) if isinstance(images, int) else ""
