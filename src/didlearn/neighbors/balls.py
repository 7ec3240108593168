"""Which points lie within balls of different radii: what manifold metrics count."""

from __future__ import annotations

from copy import copy
from functools import partial
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import ArrayOrTensor, Ints
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
)
from didlearn.neighbors.screening.levels import SOUGHT_FROM
from didlearn.neighbors.screening.rows import AnyRows, Rows, as_rows
from didlearn.neighbors.screening.threads import Workers, slices
from didlearn.neighbors.screening.walk import Walk
from didlearn.neighbors.tiles import by_tiles
from didlearn.neighbors.truths import count_true
from didlearn.neighbors.within import SOME
from didlearn.units.memory import at_once

_FEW = 4  # of so many tiles of a block one holds pairs inside at most: then they are told apart one by one

Balls = tuple[AnyRows, ArrayOrTensor]  # centres (n, D) and radii (n,), of 0 or more


class BallCounts(NamedTuple):
    """How many points each ball holds, ``of_centre`` (n,), and how many balls hold each point, ``of_point`` (m,)."""

    of_centre: Ints
    of_point: Ints


def count_in_balls(
    centres: AnyRows, radii: ArrayOrTensor, points: AnyRows, *, device: str | torch.device | None = None
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
    return _sum(by_tiles(partial(_counted, _Inside(left, right, radii)), left, right))


def count_in_both(left: Balls, right: Balls, *, device: str | torch.device | None = None) -> tuple[BallCounts, ...]:
    """Count the right centres in the left balls, and the left centres in the right balls, in one pass.

    Raises:
        DataError: see ``count_in_balls``.
    """
    first, second = as_rows(left[0], right[0], device=device)
    same = first_copies(first.raw, second.raw)
    sides = (
        _Inside(first, second, left[1], (same[: len(first)], same[len(first) :])),
        _Inside(second, first, right[1], (same[len(first) :], same[: len(first)])),
    )
    parts = by_tiles(partial(_walked, sides), first, second)
    return tuple(_sum([part[side] for part in parts]) for side in range(len(sides)))


def count_in_own(x: ArrayOrTensor, radii: ArrayOrTensor, *, device: str | torch.device | None = None) -> BallCounts:
    """Count the other centres of one set that each ball holds, and the other balls that hold each centre.

    Raises:
        DataError: see ``count_in_balls``.
    """
    (rows,) = as_rows(x, device=device)
    inside = _Inside(rows, rows, radii)
    return _sum([counts for counts, _ in by_tiles(partial(_walked, (inside, inside)), rows, rows, triangle=True)])


def _walked(sides: tuple[_Inside, _Inside], part: slice) -> list[BallCounts]:
    """Count what both sides see of the pairs with some left rows."""
    fresh = {side: side.anew() for side in sides}
    first, second = (fresh[side] for side in sides)
    with full_precision():
        Walk(first.centres, second.centres, (first, second)).run(part)
    return [first.counts, second.counts]


def _counted(inside: _Inside, part: slice) -> BallCounts:
    """Count the points in some balls."""
    fresh = inside.anew()
    centres, points = fresh.centres, fresh.points
    with full_precision():
        workers = Workers(Cascade(centres, points, fresh.mask, fresh.decide, SOUGHT_FROM).copied)
        for panel in slices(part.start, part.stop, at_once(PANEL_ROWS)) if len(points) else []:
            workers.share(
                fresh.look, [Block(panel, columns) for columns in slices(0, len(points), at_once(BLOCK_COLUMNS))]
            )
    return fresh.counts


def _sum(parts: list[BallCounts]) -> BallCounts:
    return BallCounts(*(np.sum(both, axis=0) for both in zip(*parts, strict=True)))


class _Inside:
    """The pairs met so far of a centre and a point within its ball.

    Args:
        centres, points: their rows. radii: as given. same: of centres and of points, the first row that equals each.
    """

    def __init__(
        self,
        centres: Rows,
        points: Rows,
        radii: ArrayOrTensor,
        same: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> None:
        limits = np.asarray(radii, np.float64)
        if limits.shape != (len(centres),) or not bool((limits >= 0).all()):
            wanted = f"{len(centres)} distances of 0 or more, one for each centre"
            raise DataError(f"radii must be {wanted}, got {limits.shape}")
        self.centres, self.points = centres, points
        self.limit = torch.from_numpy(limits * centres.scale).to(centres.raw.device)
        self.counts = BallCounts(np.zeros(len(centres), np.int64), np.zeros(len(points), np.int64))
        if same is None:
            first = first_copies(centres.raw, *([] if points is centres else [points.raw]))
            same = first[: len(centres)], first[-len(points) :]
        self.same = same
        self.lock = Lock()

    def anew(self) -> _Inside:
        """Return one that looks for the same, and has met no pair."""
        twin = copy(self)
        twin.counts, twin.lock = BallCounts(*(np.zeros_like(counts) for counts in self.counts)), Lock()
        return twin

    def look(self, cascade: Cascade, block: Block) -> None:
        """Count the pairs of a block."""
        assert isinstance(block.rows, slice)
        cascade.hold(block.rows)
        for found in cascade.survivors(block, self.limit[block.rows]):
            self.add(found)

    def mask(self, bounds: Bounds, block: Block) -> None:
        """Leave every pair in."""

    def settle(self, bounds: Bounds, block: Block, most: float) -> list[Candidates] | None:
        """Tell pairs apart, row by row, where many lie inside for sure, and take these; few are sooner looked for."""
        limit = self.limit[block.rows]
        inner, outer = bounds.inner(limit), bounds.outer(limit)
        within = bounds.minima() <= inner[:, None]
        if _FEW * int(within.sum()) <= within.numel():
            return None
        told = [(some, *bounds.told(some, inner, outer)) for some in slices(0, bounds.height, SOME)]
        rows, columns = numbers(block.rows, inner), numbers(block.columns, inner)
        for some, sure, _ in told:
            by_row, by_column = count_true(sure, 1).cpu().numpy(), count_true(sure, 0).cpu().numpy()
            with self.lock:
                self.counts.of_centre[rows[some].cpu().numpy()] += by_row
                self.counts.of_point[columns.cpu().numpy()] += by_column
        if sum(int(open_.sum()) for _, _, open_ in told) > most:
            for some, sure, _ in told:
                bounds.hide(sure, some)
            return None
        places = [open_.nonzero(as_tuple=True) for _, _, open_ in told]
        row = torch.cat([place + some.start for (some, _, _), (place, _) in zip(told, places, strict=True)])
        column = torch.cat([place for _, place in places])
        low = bounds.below(row, column)
        near = low <= limit[row]  # by its own error, and not by the largest of the block
        row, column, low = row[near], column[near], low[near]
        return [Candidates(rows[row], columns[column], low, bounds.above(row, column))]

    def decide(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:
        """Take those that lie inside for sure where limits are asked for; they stay."""
        self.settle(bounds, block, -1)
        return limit

    def add(self, found: Candidates) -> None:
        """Take the open pairs by their distances; equal rows need none."""
        inside = self.same[0][found.i] == self.same[1][found.j]
        if found.high is not None:
            inside |= found.high <= self.limit[found.i]
        self._count(found.i[inside], found.j[inside])
        i, j = found.i[~inside], found.j[~inside]
        low, high = self.centres.interval(i, self.points, j)
        near = high <= self.limit[i]
        unsure = ((low <= self.limit[i]) & ~near).nonzero().flatten()
        exact = torch.from_numpy(self.centres.distance(i[unsure], self.points, j[unsure])).to(i.device)
        near[unsure] = exact <= self.limit[i[unsure]]
        self._count(i[near], j[near])

    def _count(self, i: torch.Tensor, j: torch.Tensor) -> None:
        with self.lock:
            for counts, rows in zip(self.counts, (i, j), strict=True):
                counts += np.bincount(rows.cpu().numpy(), minlength=len(counts))
