"""All pairs within a radius, counted and connected without ever listing them."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import ArrayOrTensor, Ints
from didlearn.errors import UsageError
from didlearn.neighbors.closest import Pairs
from didlearn.neighbors.forest import Forest
from didlearn.neighbors.repeats import first_copies
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import Block, Candidates, numbers
from didlearn.neighbors.screening.rows import Rows, as_rows
from didlearn.neighbors.tiles import by_tiles
from didlearn.neighbors.truths import count_true, first_true
from didlearn.neighbors.within import Within, split

_EDGE = 1e-12  # of a radius: distances come back in other units than they are compared in


class NearDuplicates(NamedTuple):
    """What the pairs of rows within a radius amount to.

    Attributes:
        pairs: how many pairs there are.
        degree: (N,) how many rows lie within the radius of each.
        following: (N,) the first later row within the radius of each, N where there is none.
        component: (N,) the smallest row number of the connected component.
    """

    pairs: int
    degree: Ints
    following: Ints
    component: Ints


def near_duplicates(
    x: ArrayOrTensor, radius: float, *, closest: Pairs | None = None, device: str | torch.device | None = None
) -> NearDuplicates:
    """Find the pairs of rows at Euclidean distance ``radius`` or less.

    Exact, as if every distance were computed in float64: pairs whose float32 bounds lie clear of the radius are
    counted at once, the others are looked at again. Memory does not grow with the number of pairs.

    Args:
        x: (N, D) points or (N, C, H, W) images; numpy or torch; float32, float64 or uint8 (taken as 0..255).
        radius: the largest distance that counts, in the units of ``x``.
        closest: what ``closest_pairs`` of these rows returned, if it is known: where one of them lies beyond the
            radius, they are all there are within it, and nothing is searched.
        device: where to work; the array's own device unless given.

    Raises:
        DataError: the points hold NaN or infinity, or are not two-dimensional.
        UsageError: the radius is negative or NaN.
    """
    if not radius >= 0:
        raise UsageError(f"a radius must be 0 or more, got {radius}")
    (rows,) = as_rows(x, device=device)
    if closest is not None and _tell(closest, radius, len(rows)):
        return _listed(closest, radius, len(rows))
    search = partial(_duplicates, rows, radius * rows.scale)
    return _together(by_tiles(search, rows, rows, triangle=True), len(rows))


def _tell(closest: Pairs, radius: float, count: int) -> bool:
    """Whether such pairs are all that lie within the radius, and none so near it that rounding would decide."""
    distance, edge = closest.distance, _EDGE * radius
    all_there = len(distance) == count * (count - 1) // 2 or bool(np.any(distance[-1:] > radius + edge))
    return all_there and not bool(np.any(np.abs(distance - radius) <= edge))


def _listed(closest: Pairs, radius: float, count: int) -> NearDuplicates:
    """Return what pairs that are known amount to."""
    inside = closest.distance <= radius
    i, j = closest.first[inside], closest.second[inside]
    degree = np.bincount(np.concatenate([i, j]), minlength=count)
    following = np.full(count, count)
    np.minimum.at(following, i, j)
    forest = Forest(count)
    forest.add(i, j)
    return NearDuplicates(len(i), degree, following, forest.finish())


def _duplicates(rows: Rows, radius: float, part: slice) -> NearDuplicates:
    """Return what the pairs whose first row lies in some part amount to."""
    return _together([found.result() for found in _Found(rows, radius).run(part)], len(rows))


def _together(parts: list[NearDuplicates], count: int) -> NearDuplicates:
    if len(parts) == 1:
        return parts[0]
    forest = Forest(count)
    for part in parts:
        forest.add(np.arange(count), part.component)
    following = np.min([part.following for part in parts], axis=0)
    degree = np.sum([part.degree for part in parts], axis=0)
    return NearDuplicates(sum(part.pairs for part in parts), degree, following, forest.finish())


class _Found(Within):
    """The pairs met so far, as counts, degrees, first followers and components."""

    def __init__(self, rows: Rows, radius: float) -> None:
        super().__init__(rows, radius)
        self.first = first_copies(rows.raw)
        copy = self.first < torch.arange(len(rows), device=self.first.device)
        self.copied = torch.zeros_like(copy)
        self.copied[self.first[copy]] = self.copied[copy] = True
        self.clear()

    def clear(self) -> None:
        """Have met no pair."""
        count = len(self.rows)
        self.pairs = 0
        self.degree = torch.zeros_like(self.first)
        self.following = torch.full_like(self.first, count)
        self.forest = Forest(count)

    def settle(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:
        """Take the pairs that are surely within the radius."""
        inner = bounds.inner(limit)
        met = (bounds.minima().amin(1) <= inner).nonzero().flatten()
        rows, columns = numbers(block.rows, met), numbers(block.columns, met)
        for some in split(met):
            lower = bounds.lower[some]
            inside = lower <= inner[some, None]
            bounds.put(some, lower.masked_fill_(inside, torch.inf))
            self._take(inside, rows[some], columns)
        return limit

    def begin(self, block: Block) -> None:
        """Take the pairs of equal rows: they are within any radius.

        No bound is tight enough to tell equal rows from nearly equal ones, and they may be all pairs there are.
        """
        rows, columns = numbers(block.rows, self.first), numbers(block.columns, self.first)
        for some in split(rows[self.copied[rows]]):
            inside = (self.first[some, None] == self.first[columns]) & (some[:, None] < columns)
            self._take(inside, some, columns)

    def mask(self, bounds: Bounds, block: Block) -> None:
        """Leave pairs of equal rows out too: they are taken."""
        super().mask(bounds, block)
        rows, columns = numbers(block.rows, self.first), numbers(block.columns, self.first)
        for some in split(self.copied[rows].nonzero().flatten()):
            same = self.first[rows[some], None] == self.first[columns]
            bounds.put(some, bounds.lower[some].masked_fill_(same, torch.inf))

    def _take(self, inside: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> None:
        by_row = count_true(inside, 1)
        self.pairs += int(by_row.sum())
        self.degree[rows] += by_row
        self.degree[columns] += count_true(inside, 0)
        first = columns[first_true(inside, 1)]
        self.following[rows] = torch.where(by_row > 0, torch.minimum(self.following[rows], first), self.following[rows])
        self.forest.add_block(inside, rows, columns)

    def add(self, found: Candidates) -> None:
        """Take those of the open pairs that are within the radius."""
        low, high = self.rows.interval(found.i, self.rows, found.j)
        inside = high <= self.radius
        open_ = ((low <= self.radius) & ~inside).nonzero().flatten()
        distance = self.rows.distance(found.i[open_], self.rows, found.j[open_])
        inside[open_] = torch.from_numpy(distance <= self.radius).to(inside.device)
        i, j = found.i[inside], found.j[inside]
        self.pairs += len(i)
        self.degree += torch.bincount(torch.cat([i, j]), minlength=len(self.rows))
        self.following.scatter_reduce_(0, i, j, "amin")
        self.forest.add(i.cpu().numpy(), j.cpu().numpy())

    def result(self) -> NearDuplicates:
        """Return what was found."""
        degree, following = self.degree.cpu().numpy(), self.following.cpu().numpy()
        return NearDuplicates(self.pairs, degree, following, self.forest.finish())
