"""A result as a notebook shows it: tables of HTML that run nothing, in the notebook's own light or dark.

Names of files, classes and models come from outside, so that every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from didlearn.result.passed_on.line import UNITLESS
from didlearn.result.words import in_full, say

if TYPE_CHECKING:
    from didlearn.result.files import AuditResult
    from didlearn.result.values import CheckResult, Estimate

# Readable on white and on black alike: 4.5 to 1 at least with neither, 3 to 1 with both.
_COLOURS: Final = {
    "pass": "#2e8b57",
    "fail": "#d64545",
    "inconclusive": "#b7791f",
    "measured": "#4a7fb5",
    "error": "#a855a8",
    "not_run": "#808080",
}
_LEFT: Final = ' style="text-align:left;vertical-align:top"'
_HEADINGS: Final = ("quantity", "value", "interval", "level", "n", "method")


def audit_html(audit: AuditResult) -> str:
    """Return the answer, and a row per check: verdict and answer."""
    lead = f"<p><strong>{escape(audit.answer.sentence)}</strong></p>" if audit.answer is not None else ""
    rows = [(_code(c.check), _verdict(c.verdict), escape(c.answer or c.reason)) for c in audit.checks]
    return f"<div>{lead}{_table(('check', 'verdict', 'answer'), rows)}</div>"


def check_html(check: CheckResult) -> str:
    """Return the verdict with its answer and reason, and a row per estimate."""
    reason = check.reason if check.reason and check.reason not in check.answer else ""
    lead = f"<p>{_code(check.check)} {_verdict(check.verdict)} {escape(check.answer)}</p>"
    lead += f"<p>{escape(reason)}</p>" if reason else ""
    return f"<div>{lead}{estimates_html(check.estimates) if check.estimates else ''}</div>"


def estimates_html(estimates: Mapping[str, Estimate]) -> str:
    """Return a row per estimate, each with its interval, level, number of units and method."""
    return _table(_HEADINGS, [(_code(name), *_cells(estimate)) for name, estimate in estimates.items()])


def estimate_html(estimate: Estimate) -> str:
    """Return the one row of an estimate that has no name."""
    return _table(_HEADINGS[1:], [_cells(estimate)])


def _cells(estimate: Estimate) -> tuple[str, ...]:
    said = say(estimate)
    unit = f" {estimate.unit}" if estimate.unit not in UNITLESS else ""
    return tuple(
        escape(text)
        for text in (f"{said.value}{unit}", said.interval, said.level, in_full(estimate.n), estimate.method)
    )


def _code(name: str) -> str:
    return f"<code>{escape(name)}</code>"


def _verdict(verdict: str) -> str:
    colour = _COLOURS.get(verdict, "inherit")
    return f'<strong style="color:{colour};white-space:nowrap">{escape(verdict.replace("_", " "))}</strong>'


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out cells that are HTML already under headings that are none."""
    head = "".join(f"<th{_LEFT}>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td{_LEFT}>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
