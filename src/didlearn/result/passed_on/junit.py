"""A result as JUnit's XML, which every CI server shows: a test case per check."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from didlearn.result.words import say

if TYPE_CHECKING:
    from didlearn.result.files import AuditResult
    from didlearn.result.values import CheckResult

FAILING: Final[Mapping[str, frozenset[str]]] = {
    "fail": frozenset({"fail"}),
    "inconclusive": frozenset({"fail", "inconclusive"}),
    "never": frozenset(),
}
"""Verdicts that fail, by what ``--fail-on`` says."""
# What XML has no place for, not even written as a character reference.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_of(audit: AuditResult, failing: Container[str] = FAILING["fail"], asked: Container[str] = ()) -> str:
    """Return JUnit's XML of an audit, which agrees with the exit code of the command.

    A verdict that fails is a ``failure``, an error an ``error``, as is a check of ``asked`` that could not run. A check
    that is neither for nor against the model (``inconclusive``, ``not_run``, or ``fail`` where that fails nothing) is
    ``skipped``, which says what it was: to be counted among those that passed would say too much.

    Args:
        audit: what was found. failing: verdicts that fail. asked: checks that had to run.
    """
    model = audit.subject.get("model")
    name = _text(str(model.get("name", ""))) if isinstance(model, Mapping) else ""
    suite = ET.Element("testsuite", name="didlearn", timestamp=str(audit.environment.get("date", "")).rstrip("Z"))
    counted = {"failure": 0, "error": 0, "skipped": 0}
    for check in audit.checks:
        case = ET.SubElement(suite, "testcase", classname=f"didlearn.{name or 'model'}", name=_text(check.check))
        case.set("time", f"{check.seconds:.3f}")
        outcome = _outcome(check, failing, asked)
        if outcome:
            counted[outcome] += 1
            _add_outcome(case, outcome, check)
        ET.SubElement(case, "system-out").text = _text(_said(check))
    totals = {
        "tests": len(audit.checks),
        "failures": counted["failure"],
        "errors": counted["error"],
        "skipped": counted["skipped"],
    }
    for key, count in totals.items():
        suite.set(key, str(count))
    suite.set("time", f"{sum(check.seconds for check in audit.checks):.3f}")
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _outcome(check: CheckResult, failing: Container[str], asked: Container[str]) -> str:
    """Return the kind of element that a verdict is; empty for a check that passed or describes."""
    if check.verdict == "error" or (check.verdict == "not_run" and check.check in asked):
        return "error"
    if check.verdict in failing:
        return "failure"
    return "" if check.verdict in ("pass", "measured") else "skipped"


def _add_outcome(case: ET.Element, outcome: str, check: CheckResult) -> None:
    message = _text(f"{check.verdict}: {check.reason or check.answer}")
    element = ET.SubElement(case, outcome, message=message)
    if outcome != "skipped":
        element.set("type", check.verdict)
        element.text = _text(check.answer)


def _said(check: CheckResult) -> str:
    """Return the answer, and a line per estimate."""
    lines = [check.answer]
    for name, estimate in check.estimates.items():
        said = say(estimate)
        level = f" at {said.level}" if said.level else ""
        lines.append(f"{name}: {said.value} ({said.interval}{level})")
    return "\n".join(lines)


def _text(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
