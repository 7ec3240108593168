"""Which points lie within balls of different radii: what manifold metrics count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import ArrayOrTensor, Floats, Ints
from didlearn.errors import DataError
from didlearn.neighbors.repeats import first_copies
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import (
    BLOCK_COLUMNS,
    PANEL_ROWS,
    Block,
    Candidates,
    Cascade,
    full_precision,
    numbers,
    slices,
)
from didlearn.neighbors.screening.rows import Rows, as_rows
from didlearn.neighbors.within import split


class BallCounts(NamedTuple):
    """How many points each ball holds, ``of_centre`` (n,), and how many balls hold each point, ``of_point`` (m,)."""

    of_centre: Ints
    of_point: Ints


def count_in_balls(
    centres: ArrayOrTensor, radii: ArrayOrTensor, points: ArrayOrTensor, *, device: str | torch.device | None = None
) -> BallCounts:
    """Count the pairs with ``√Σ(centre - point)² ≤ radius``.

    Exact, in float64; a point on the rim is inside, and so is one at the centre of a ball of radius 0. Never holds more
    than a block of the distance matrix.

    Args:
        centres: (n, D). radii: (n,), of 0 or more. points: (m, D).
        device: where to work; the arrays' own device unless given.

    Raises:
        DataError: points that cannot be used, or radii that are not one number of 0 or more for each centre.
    """
    left, right = as_rows(centres, points, device=device)
    limits = np.asarray(radii, np.float64)
    if limits.shape != (len(left),) or not bool((limits >= 0).all()):
        raise DataError(f"radii must be {len(left)} distances of 0 or more, one for each centre, got {limits.shape}")
    if not (len(left) and len(right)):
        return BallCounts(np.zeros(len(left), np.int64), np.zeros(len(right), np.int64))
    with full_precision():
        return _Tally(left, right, limits * left.scale).run()


class _Tally:
    """One pass over all pairs, block by block."""

    def __init__(self, left: Rows, right: Rows, radii: Floats) -> None:
        self.left, self.right = left, right
        self.radii = torch.from_numpy(radii).to(left.raw.device)
        self.of_centre, self.of_point = np.zeros(len(left), np.int64), np.zeros(len(right), np.int64)
        wide = torch.promote_types(left.raw.dtype, right.raw.dtype)
        self.same = first_copies(torch.cat([left.raw.to(wide), right.raw.to(wide)]))

    def run(self) -> BallCounts:
        """Go through all pairs."""
        cascade = Cascade(self.left, self.right, _none, self._settle)
        for panel in slices(0, len(self.left), PANEL_ROWS):
            cascade.hold(panel)
            for columns in slices(0, len(self.right), BLOCK_COLUMNS):
                for found in cascade.survivors(Block(panel, columns), self.radii[panel]):
                    self._add(found)
        return BallCounts(self.of_centre, self.of_point)

    def _settle(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:
        """Take the pairs that lie inside for sure."""
        inner = bounds.inner(limit)
        rows, columns = numbers(block.rows, inner).cpu().numpy(), numbers(block.columns, inner).cpu().numpy()
        for some in split((bounds.minima().amin(1) <= inner).nonzero().flatten()):
            lower = bounds.lower[some]
            sure = lower <= inner[some, None]
            self.of_centre[rows[some.cpu().numpy()]] += sure.sum(1).cpu().numpy()
            self.of_point[columns] += sure.sum(0).cpu().numpy()
            bounds.lower[some] = lower.masked_fill_(sure, torch.inf)
        return limit

    def _add(self, found: Candidates) -> None:
        """Take the open pairs by their distances; equal rows need none."""
        inside = self.same[found.i] == self.same[found.j + len(self.left)]
        self._count(found.i[inside], found.j[inside])
        i, j = found.i[~inside], found.j[~inside]
        near = torch.from_numpy(self.left.distance(i, self.right, j)).to(i.device) <= self.radii[i]
        self._count(i[near], j[near])

    def _count(self, i: torch.Tensor, j: torch.Tensor) -> None:
        self.of_centre += np.bincount(i.cpu().numpy(), minlength=len(self.of_centre))
        self.of_point += np.bincount(j.cpu().numpy(), minlength=len(self.of_point))


def _none(bounds: Bounds, block: Block) -> None:
    """Leave every pair in."""
