"""Every pair within a radius, handed over by whole blocks where float32 is sure and one by one where it is not."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from didlearn.neighbors.repeats import first_copies
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import Block, Candidates, Cascade, full_precision, length, numbers
from didlearn.neighbors.screening.rows import Rows
from didlearn.neighbors.screening.triangle import above_diagonal, triangle

_SOME = 256  # rows of a block looked at together


class Within(ABC):
    """A pass over the pairs ``i < j`` of some rows that may lie within a radius, in scaled units."""

    def __init__(self, rows: Rows, radius: float) -> None:
        self.rows, self.radius = rows, radius
        self.first = first_copies(rows.raw)
        copy = self.first < torch.arange(len(rows), device=self.first.device)
        self.copied = torch.zeros_like(copy)
        self.copied[self.first[copy]] = self.copied[copy] = True

    @abstractmethod
    def settle(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:
        """Take the pairs whose place is sure, set their bounds to infinity, and return the limit."""

    @abstractmethod
    def equal(self, inside: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> None:
        """Take pairs of equal rows: where ``inside``, (n, m), is true."""

    @abstractmethod
    def add(self, found: Candidates) -> None:
        """Take those of the open pairs that belong."""

    def run(self) -> None:
        """Go through all pairs."""
        with full_precision():
            cascade = Cascade(self.rows, self.rows, self._mask, self.settle)
            for panel, blocks in triangle(len(self.rows)):
                cascade.hold(panel)
                for block in blocks:
                    self._take_equal(block)
                    limit = torch.full((length(block.rows),), self.radius, dtype=torch.float64)
                    for candidates in cascade.survivors(block, limit.to(self.first.device)):
                        self.add(candidates)

    def _take_equal(self, block: Block) -> None:
        # No bound is tight enough to tell equal rows from nearly equal ones, and they may be all pairs there are.
        rows, columns = numbers(block.rows, self.first), numbers(block.columns, self.first)
        for some in split(rows[self.copied[rows]]):
            inside = (self.first[some, None] == self.first[columns]) & (some[:, None] < columns)
            self.equal(inside, some, columns)

    def _mask(self, bounds: Bounds, block: Block) -> None:
        above_diagonal(bounds, block)
        rows, columns = numbers(block.rows, self.first), numbers(block.columns, self.first)
        for some in split(self.copied[rows].nonzero().flatten()):
            same = self.first[rows[some], None] == self.first[columns]
            bounds.lower[some] = bounds.lower[some].masked_fill_(same, torch.inf)


def split(rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Cut row numbers into parts whose share of a block fits the cache."""
    return rows.split(_SOME) if len(rows) else ()
