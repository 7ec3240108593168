"""What one step of a check contributes to its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from didlearn.arrays import Array
from didlearn.result.values import Effect, Estimate, Figure, Gallery, Settles, Table, Verdict


class Decision(NamedTuple):
    """A verdict, why, the answer in plain words, what would settle an open one, and the effects it rests on."""

    verdict: Verdict
    reason: str
    answer: str
    settles: Settles | None = None
    effects: tuple[Effect, ...] = ()


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
