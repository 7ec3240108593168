"""A result in one line: what a console prints of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from didlearn.result.words import NOTHING, number, say

if TYPE_CHECKING:
    from didlearn.result.files import AuditResult
    from didlearn.result.values import CheckResult, Estimate

UNITLESS = ("", "fraction", "ratio", "probability")  # a percent sign, or nothing, says it
_LONGEST = 100  # characters of a sentence


def estimate_line(estimate: Estimate) -> str:
    """Return ``Estimate(9.12 images, 8.84 to 9.41 at 95.0 %, n = 20 000)``."""
    said = say(estimate)
    unit = f" {estimate.unit}" if estimate.unit not in UNITLESS else ""
    within = f", {said.interval} at {said.level}" if said.level and estimate.value is not None else ""
    return f"Estimate({said.value}{unit}{within}, n = {number(estimate.n)})"


def check_line(check: CheckResult) -> str:
    """Return ``CheckResult(support: fail, "It repeats itself ...", 12 estimates)``."""
    said = check.answer or check.reason
    quoted = f', "{_cut(said)}"' if said else ""
    count = len(check.estimates)
    return f"CheckResult({check.check}: {check.verdict}{quoted}, {count} estimate{'s' * (count != 1)})"


def audit_line(audit: AuditResult) -> str:
    """Return ``AuditResult("No: it repeats itself", support fail, memorization pass)``."""
    answer = f'"{_cut(audit.answer.sentence)}", ' if audit.answer is not None else ""
    return f"AuditResult({answer}{', '.join(f'{c.check} {c.verdict}' for c in audit.checks) or NOTHING})"


def _cut(text: str) -> str:
    """Return one line of a text, no longer than a console's."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
