"""What one step of a check contributes to its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from didlearn.arrays import Array
from didlearn.result.values import Effect, Estimate, Figure, Gallery, Settles, Table, Verdict
from didlearn.result.words import number


class Decision(NamedTuple):
    """A verdict, why, the answer in plain words, what would settle an open one, and the effects it rests on."""

    verdict: Verdict
    reason: str
    answer: str
    settles: Settles | None = None
    effects: tuple[Effect, ...] = ()


def settled_by(count: int, of: str, how: str = "") -> Settles:
    """Return that so many of something, in all, would settle it; ``how``: what to ask for, in parentheses."""
    return Settles(clause=f"about {number(count)} {of}{how} would settle it", of=of, number=count)


def settled_by_times(times: int, of: str, how: str = "") -> Settles:
    """Return that so many times as many of something as there were would settle it; ``how``: see ``settled_by``."""
    return Settles(clause=f"about {number(times)} times as many {of}{how} would settle it", of=of, times=times)


def settled_by_more(of: str) -> Settles:
    """Return that more of something would settle it, nobody knows how many."""
    return Settles(clause=f"more {of} would settle it", of=of)


@dataclass(frozen=True)
class Parts:
    """Estimates, tables, figures, galleries, notes and arrays, to be joined in the order of the page."""

    estimates: dict[str, Estimate] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    notes: tuple[str, ...] = ()
    arrays: dict[str, Array] = field(default_factory=dict)

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            self.estimates | other.estimates,
            self.tables + other.tables,
            self.figures + other.figures,
            self.galleries + other.galleries,
            self.notes + other.notes,
            self.arrays | other.arrays,
        )

    def fields(self) -> dict[str, Any]:
        """Return the parts as keyword arguments of ``CheckResult``."""
        return dict(vars(self))
