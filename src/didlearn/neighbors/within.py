"""Every pair within a radius, handed over by whole blocks where float32 is sure and one by one where it is not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from functools import partial
from typing import Self

import torch

from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import Block, Candidates, Cascade, full_precision, length
from didlearn.neighbors.screening.rows import Rows
from didlearn.neighbors.screening.threads import Workers
from didlearn.neighbors.screening.triangle import above_diagonal, triangle

SOME = 256  # rows of a block looked at together


class Within(ABC):
    """A pass over the pairs ``i < j`` of some rows that may lie within a radius, in scaled units."""

    def __init__(self, rows: Rows, radius: float) -> None:
        self.rows, self.radius = rows, radius

    @abstractmethod
    def clear(self) -> None:
        """Have met no pair."""

    @abstractmethod
    def settle(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:
        """Take the pairs whose place is sure, set their bounds to infinity, and return the limit."""

    @abstractmethod
    def add(self, found: Candidates) -> None:
        """Take those of the open pairs that belong."""

    def begin(self, block: Block) -> None:  # noqa: B027 (most passes know nothing)
        """Take what is known of a block without a distance."""

    def mask(self, bounds: Bounds, block: Block) -> None:
        """Set the bounds of pairs that do not count to infinity."""
        above_diagonal(bounds, block)

    def run(self, part: slice | None = None) -> list[Self]:
        """Go through the pairs whose first row lies in some part; through all unless given.

        Returns:
            As many passes as threads had work, each with the pairs that it met: together all, none twice.
        """
        passes: list[Self] = []
        with full_precision():
            cascade = Cascade(self.rows, self.rows, self.mask, self.settle)

            def another() -> tuple[Self, Cascade]:
                own = copy(self)
                own.clear()
                passes.append(own)
                return own, cascade.copied(own.mask, own.settle)

            workers: Workers[tuple[Self, Cascade]] = Workers(another)
            for panel, blocks in triangle(len(self.rows), part):
                workers.share(partial(_look, panel), blocks)
        return passes or [self]

    def look(self, cascade: Cascade, block: Block) -> None:
        """Take the pairs of a block."""
        self.begin(block)
        limit = torch.full((length(block.rows),), self.radius, dtype=torch.float64, device=self.rows.raw.device)
        for candidates in cascade.survivors(block, limit):
            self.add(candidates)


def _look(panel: slice, worker: tuple[Within, Cascade], block: Block) -> None:
    own, cascade = worker
    cascade.hold(panel)
    own.look(cascade, block)


def split(rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Cut row numbers into parts whose share of a block fits the cache."""
    return rows.split(SOME) if len(rows) else ()
