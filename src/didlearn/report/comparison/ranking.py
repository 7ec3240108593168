"""Models in order of their answers, and which of them is the best, if any is shown to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from didlearn.audit.check import CHECKS
from didlearn.report.comparison.direction import direction, null_of, shown_better
from didlearn.report.plain import plain_name
from didlearn.result.files import AuditResult
from didlearn.result.words import listed

_ANSWERS: Final = ("yes", "open", "no")  # the better first
_NAMED: Final = 3  # quantities that a sentence names


class Best(NamedTuple):
    """The best model, or ``None`` where none is shown to be, and why, in a sentence."""

    name: str | None
    sentence: str


def ranked(results: Mapping[str, AuditResult]) -> dict[str, AuditResult]:
    """Put models in order of their answers: yes, open, no, none; those of one answer stay in the order given."""
    return dict(sorted(results.items(), key=lambda one: _rank(one[1])))


def best_of(results: Mapping[str, AuditResult]) -> Best:
    """Say which model is the best, or that none is shown better.

    The only one that is shown to have learned it is; of several with the same best answer, one that is shown better
    than each other in some judged quantity and worse in none.
    """
    groups = {answer: [n for n, audit in results.items() if _verdict(audit) == answer] for answer in _ANSWERS}
    answer = next((answer for answer in _ANSWERS if groups[answer]), None)
    if answer is None:
        return Best(None, "No answer was kept, so that nothing can be ranked.")
    first = groups[answer]
    said = _standing(answer, first, len(results))
    if len(first) == 1:
        return Best(first[0] if answer == "yes" and len(results) > 1 else None, said)
    for name in first:
        better = [_better_at(results[name], results[other]) for other in first if other != name]
        worse = [_better_at(results[other], results[name]) for other in first if other != name]
        if all(better) and not any(worse):
            best = f"{name} is shown better than the others ({_list(better[0])}) and worse in nothing"
            return Best(name, f"{said} {'Of these ' if len(first) < len(results) else ''}{best}.")
    return Best(None, f"{said} None of {'these' if len(first) < len(results) else 'them'} is shown better.")


def _standing(answer: str, first: list[str], models: int) -> str:
    names = listed(first)
    if answer == "yes":
        return f"Shown to have learned it: {names}." if len(first) < models else "All are shown to have learned it."
    if answer == "open":
        return f"None is shown to have learned it; nothing is shown against {names}."
    return "None learned it."


def _better_at(ours: AuditResult, theirs: AuditResult) -> list[str]:
    """Name the judged quantities in which the one is shown better than the other."""
    found = []
    for check in ours.checks:
        other = next((c for c in theirs.checks if c.check == check.check), None)
        if other is None or check.check not in CHECKS or not CHECKS[check.check].judged:
            continue
        for name, estimate in check.estimates.items():
            better, null = direction(check.check, name), null_of(name, check.estimates)
            aim = None if null is None else null.estimate.value
            if better and name in other.estimates and shown_better(estimate, other.estimates[name], better, aim):
                found.append(plain_name(check.check, name))
    return found


def _list(words: list[str]) -> str:
    more = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _verdict(audit: AuditResult) -> str | None:
    return None if audit.answer is None else audit.answer.verdict


def _rank(audit: AuditResult) -> int:
    return len(_ANSWERS) if audit.answer is None else _ANSWERS.index(audit.answer.verdict)
