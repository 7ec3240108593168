"""How many pairs lie within each of many radii, of all rows or of each."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial

import numpy as np
import torch

from didlearn.arrays import ArrayOrTensor, Floats, Ints
from didlearn.errors import UsageError
from didlearn.neighbors.merged import Merged
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import Block, Candidates, numbers
from didlearn.neighbors.screening.places import Places
from didlearn.neighbors.screening.rows import as_rows
from didlearn.neighbors.tiles import by_tiles
from didlearn.neighbors.truths import count_true
from didlearn.neighbors.within import Within, split


def count_within(x: ArrayOrTensor, radii: ArrayOrTensor, *, device: str | torch.device | None = None) -> Ints:
    """Count the pairs of rows at Euclidean distance ``radii[r]`` or less, (len(radii),) int64.

    Exact, like ``near_duplicates``; all radii are counted in one pass.

    Args:
        x: (N, D) points or (N, C, H, W) images; numpy or torch; float32, float64 or uint8 (taken as 0..255).
        radii: ascending distances, in the units of ``x``.
        device: where to work; the array's own device unless given.

    Raises:
        DataError: the points hold NaN or infinity, or are not two-dimensional.
        UsageError: the radii are negative, NaN or not ascending.
    """
    edges = _edges(radii)
    (rows,) = as_rows(x, device=device)
    if not len(edges):
        return np.zeros(0, np.int64)
    merged = Merged.of(rows)
    search = partial(_tallied, merged, edges * rows.scale)
    counts = np.sum(by_tiles(search, merged.rows, merged.rows, triangle=True), axis=0)
    return np.cumsum(counts[:-1]) + merged.equal_pairs


def degrees_within(x: ArrayOrTensor, radii: ArrayOrTensor, *, device: str | torch.device | None = None) -> Ints:
    """Count the other rows at Euclidean distance ``radii[r]`` or less of each row, (len(radii), N) int64.

    Exact, like ``near_duplicates``; all radii are counted in one pass.

    Args:
        x, device: see ``count_within``.
        radii: ascending distances, in the units of ``x``; a few, since each is looked at by itself.

    Raises:
        DataError, UsageError: see ``count_within``.
    """
    edges = _edges(radii)
    (rows,) = as_rows(x, device=device)
    if not len(edges):
        return np.zeros((0, len(rows)), np.int64)
    merged = Merged.of(rows)
    search = partial(_degrees, merged, edges * rows.scale)
    parts = by_tiles(search, merged.rows, merged.rows, triangle=True)
    degrees: Ints = (torch.stack(parts).sum(0) + merged.weight - 1)[:, merged.place].cpu().numpy()
    return degrees


def _tallied(merged: Merged, edges: Floats, part: slice) -> Ints:
    """Count the pairs of distinct rows between one radius and the next whose first row lies in some part."""
    counts: Ints = np.sum([tally.counts for tally in _Tally(merged, edges).run(part)], axis=0)
    return counts


def _degrees(merged: Merged, edges: Floats, part: slice) -> torch.Tensor:
    return torch.stack([found.degrees for found in _Degrees(merged, edges).run(part)]).sum(0)


def _edges(radii: ArrayOrTensor) -> Floats:
    edges = np.asarray(radii, np.float64)
    if edges.ndim != 1 or not bool(np.all(edges >= 0)) or bool(np.any(np.diff(edges) < 0)):
        raise UsageError(f"radii must be a vector of ascending distances of 0 or more, got {radii!r}")
    return edges


class _Placed(Within):
    """Between which two of some radii every pair of distinct rows lies.

    Attributes:
        edges: the radii in scaled units. weight: (U,) how many of the given rows each distinct one stands for.
        alike: whether all weights are one.
    """

    def __init__(self, merged: Merged, edges: Floats) -> None:
        super().__init__(merged.rows, float(edges[-1]))
        self.edges, self.weight, self.alike = edges, merged.weight, merged.alike

    def settle(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:
        """Take the pairs whose place among the radii is sure."""
        radii = [torch.full_like(limit, edge) for edge in self.edges]
        inner = torch.stack([bounds.inner(radius).amin() for radius in radii])
        outer = torch.stack([bounds.outer(radius).amax() for radius in radii])
        places, last = Places(inner, outer), len(radii)
        met = (bounds.minima().amin(1) <= outer[-1]).nonzero().flatten()
        rows, columns = numbers(block.rows, met), numbers(block.columns, met)
        for some in split(met):
            lower = bounds.lower[some]
            place = places.of(lower)
            self.take(place, rows[some], columns)
            bounds.put(some, lower.masked_fill_(place <= last, torch.inf))
        return limit

    def add(self, found: Candidates) -> None:
        """Take the open pairs by their distances."""
        distance = self.rows.distance(found.i, self.rows, found.j)
        place = torch.from_numpy(np.searchsorted(self.edges, distance)).to(found.i.device)
        self.take_pairs(place, found.i, found.j)

    @abstractmethod
    def take(self, place: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> None:
        """Take a block of pairs: below how many radii each is, (n, m); more than all of them where that is open."""

    @abstractmethod
    def take_pairs(self, place: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> None:
        """Take pairs one by one: below how many radii each is."""


class _Tally(_Placed):
    """How many pairs lie between one radius and the next.

    Attributes:
        counts: (len(edges) + 1,), the last for pairs beyond all radii.
    """

    def __init__(self, merged: Merged, edges: Floats) -> None:
        super().__init__(merged, edges)
        self.clear()

    def clear(self) -> None:
        """Have met no pair."""
        self.counts = np.zeros(len(self.edges) + 1, np.int64)

    def take(self, place: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> None:
        """Count a block of pairs by their places."""
        both = None if self.alike else (self.weight[rows, None] * self.weight[columns]).double().flatten()
        self._count(place.flatten(), both)

    def take_pairs(self, place: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> None:
        """Count pairs by their places."""
        self._count(place, None if self.alike else (self.weight[i] * self.weight[j]).double())

    def _count(self, place: torch.Tensor, weights: torch.Tensor | None) -> None:
        known = len(self.counts)
        found = torch.bincount(place, weights, minlength=known)[:known]  # of float64: exact below 2^53 pairs
        self.counts += found.cpu().numpy().astype(np.int64)


class _Degrees(_Placed):
    """How many rows lie within each radius of every distinct row, (len(edges), U), its equals not counted."""

    def __init__(self, merged: Merged, edges: Floats) -> None:
        super().__init__(merged, edges)
        self.clear()

    def clear(self) -> None:
        """Have met no pair."""
        self.degrees = self.weight.new_zeros(len(self.edges), len(self.rows))

    def take(self, place: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> None:
        """Count a block of pairs at both of their ends."""
        for radius, degree in enumerate(self.degrees):
            inside = place <= radius
            degree[rows] += self._total(inside, columns, 1)
            degree[columns] += self._total(inside, rows, 0)

    def take_pairs(self, place: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> None:
        """Count pairs at both of their ends."""
        for radius, degree in enumerate(self.degrees):
            inside = place <= radius
            first, second = i[inside], j[inside]
            degree.index_add_(0, torch.cat([first, second]), self.weight[torch.cat([second, first])])

    def _total(self, inside: torch.Tensor, others: torch.Tensor, dim: int) -> torch.Tensor:
        if self.alike:
            return count_true(inside, dim)
        weight = self.weight[others].double()  # of float64: exact below 2^53 rows
        return ((inside.double() @ weight) if dim == 1 else (weight @ inside.double())).long()
