"""What would settle an open verdict, in the words that the check itself found for it."""

from __future__ import annotations

import re
from typing import Final

from didlearn.result.values import CheckResult

UNSAID: Final = "This check does not say how many images would settle it."
UNCOUNTED: Final = "The check does not say how many."
_CLAUSE = re.compile(r";\s+|:\s+|(?<=[.!?])\s+(?=[^\W\d_])")
_NEED = re.compile(r"\bsettles?\b|\bneed(?:s|ed)?\b|\bwould bring\b|\b(?:give|label) (?:at least|more)\b")


def settled_by(check: CheckResult) -> str:
    """Return the sentence of an inconclusive check that says what would settle it; empty for any other verdict.

    Looked for in the reason, then in the answer, then in the notes: the clause that says what settles it or is needed.
    """
    if check.verdict != "inconclusive":
        return ""
    texts = (check.reason, check.answer, *check.notes)
    clauses = (clause.strip() for text in texts for clause in _CLAUSE.split(text))
    found = next((clause for clause in clauses if _NEED.search(clause)), "")
    if not found:
        return UNSAID
    counted = re.search(r"\d|no number", found)
    return _sentence(found) if counted else f"{_sentence(found)} {UNCOUNTED}"


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:].rstrip(". ") + "."
