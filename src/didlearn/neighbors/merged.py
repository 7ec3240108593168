"""Equal rows as one: a collapsed generator's samples hold few different ones, and each pair of those is met once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from didlearn.neighbors.repeats import first_copies
from didlearn.neighbors.screening.rows import Rows

_FEW = 8  # rows or more to each pair of equal ones: such pairs are sooner met than the rows copied


@dataclass(frozen=True, eq=False)
class Merged:
    """The distinct rows of a set.

    Attributes:
        rows: (U, D) the distinct ones, in the order in which they come first; all, with their few equals, if ``alike``.
        place: (N,) of each row that was given, among the distinct ones.
        weight: (U,) int64, how many of the given rows equal each.
        alike: whether none were merged, so that all weights are one.
    """

    rows: Rows
    place: torch.Tensor
    weight: torch.Tensor
    alike: bool

    @classmethod
    def of(cls, rows: Rows) -> Merged:
        """Merge the equal rows of a set; one with few or none is left where it is, for merging takes a copy of it."""
        first, place, weight = first_copies(rows.raw).unique(return_inverse=True, return_counts=True)
        if _FEW * int((weight * (weight - 1)).sum()) <= 2 * len(rows):
            return cls(rows, torch.arange(len(rows), device=first.device), torch.ones_like(place), alike=True)
        return cls(replace(rows, raw=rows.raw.index_select(0, first)), place, weight, alike=False)

    @property
    def equal_pairs(self) -> int:
        """How many pairs of given rows are equal."""
        return int((self.weight * (self.weight - 1)).sum()) // 2
