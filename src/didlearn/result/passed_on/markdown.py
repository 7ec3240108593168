"""A result as a scorecard in Markdown: what a bot writes under a pull request.

Names from outside (files, classes, models) must not mention a person, link, break the table or bring HTML of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from didlearn.result.passed_on.line import UNITLESS
from didlearn.result.words import in_full, say

if TYPE_CHECKING:
    from didlearn.result.files import AuditResult
    from didlearn.result.values import CheckResult

_SIGNS: Final = {"pass": "✅", "fail": "❌", "inconclusive": "❔", "measured": "📏", "not_run": "⏭️", "error": "💥"}
_ANSWERS: Final = {"yes": "✅", "no": "❌", "open": "❔"}
_MOST_ROWS: Final = 200  # of numbers: a comment holds 65 536 characters
_MARKUP = re.compile(r"([\\`*_\[\]|~<>&])")
_JOINER: Final = "\N{WORD JOINER}"  # without width: keeps what stands around it from becoming a link
_LINKING = re.compile(r"@|#|://|www|GH-", re.IGNORECASE)


def markdown_of(audit: AuditResult) -> str:
    """Return the answer, a row per check, the numbers folded away, and where they come from."""
    parts = [_heading(audit), _verdicts(audit), *_numbers(audit), _origin(audit)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(audit: AuditResult) -> str:
    if audit.answer is None:
        return "## didlearn"
    return f"## {_ANSWERS[audit.answer.verdict]} didlearn\n\n**{_text(audit.answer.sentence)}**"


def _verdicts(audit: AuditResult) -> str:
    rows = [f"| {_text(c.check)} | {_SIGNS[c.verdict]} {_text(c.verdict)} | {_said(c)} |" for c in audit.checks]
    return "\n".join(["| check | verdict | answer |", "|---|---|---|", *rows])


def _said(check: CheckResult) -> str:
    settles = f" {check.settles.sentence}" if check.settles is not None else ""
    said = check.answer or check.reason
    return _text(said if settles.strip() and check.settles and check.settles.clause in said else said + settles)


def _numbers(audit: AuditResult) -> list[str]:
    rows = []
    for check in audit.checks:
        for name, estimate in check.estimates.items():
            said = say(estimate)
            interval = f"{said.interval} ({said.level})" if said.level else said.interval
            unit = f" {estimate.unit}" if estimate.unit not in UNITLESS else ""
            cells = (check.check, name, said.value + unit, interval, in_full(estimate.n))
            rows.append(f"| {' | '.join(map(_text, cells))} |")
    if not rows:
        return []
    left = [f"{len(rows) - _MOST_ROWS} more numbers are in `audit.json`."] if len(rows) > _MOST_ROWS else []
    table = "\n".join(["| check | quantity | value | interval | n |", "|---|---|---|---|---|", *rows[:_MOST_ROWS]])
    return ["<details><summary>The numbers</summary>", table, *left, "</details>"]


def _origin(audit: AuditResult) -> str:
    """Say which model and data by which version, with the fingerprint that tells two models of one name apart."""
    model, train = (_named(audit.subject.get(part)) for part in ("model", "train"))
    facts = [
        f"model {model}" if model else "",
        f"data {train}" if train else "",
        f"seed {audit.environment['seed']}" if "seed" in audit.environment else "",
        f"didlearn {audit.environment['didlearn']}" if "didlearn" in audit.environment else "",
    ]
    said = ", ".join(_text(fact) for fact in facts if fact)
    return f"<sub>{said}</sub>" if said else ""


def _named(record: object) -> str:
    if not isinstance(record, Mapping) or not record.get("name"):
        return ""
    print_ = str(record.get("fingerprint") or "")[:8]
    return f"{record['name']} ({print_})" if print_ else str(record["name"])


def _text(text: str) -> str:
    """Write text as text: on one line, every sign of Markdown escaped, and nothing that a site makes a link of."""
    escaped = _MARKUP.sub(r"\\\1", " ".join(text.split()))
    return _LINKING.sub(lambda found: found[0] + _JOINER, escaped)
