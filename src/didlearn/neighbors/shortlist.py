"""The nearest rows found so far for each of some queries, and how far each still has to look."""

from __future__ import annotations

import numpy as np
import torch

from didlearn.arrays import Floats, Ints
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import Block, Candidates, length, numbers
from didlearn.neighbors.screening.rows import Rows

KEEP = 1 << 20  # candidates taken in before those beyond the limit are dropped
_ROOM = 2  # of as many candidates as are wanted: more are looked at in float32 before they are in float64


class Shortlist:
    """The candidates of some queries.

    Args:
        left, right: queries and reference. k: how many neighbours. panel: the queries it is for.

    Attributes:
        limit: (n,) float64, an upper bound of the distance to the k-th neighbour, in scaled units.
    """

    def __init__(self, left: Rows, right: Rows, k: int, panel: slice) -> None:
        self.left, self.right, self.k, self.panel = left, right, k, panel
        self.limit = torch.full((length(panel),), torch.inf, dtype=torch.float64, device=left.raw.device)
        self.uppers = self.limit[:, None].repeat(1, k)
        self.kept: list[Candidates] = []
        self.count = 0

    def part(self, block: Block) -> torch.Tensor:
        """Return the limits of a block's queries, a view."""
        assert isinstance(block.rows, slice)
        return self.limit[block.rows.start - self.panel.start : block.rows.stop - self.panel.start]

    def seed(self, bounds: Bounds, block: Block) -> None:
        """Lower the limits to the distances of the rows that look nearest in a block."""
        smallest = bounds.smallest(self.k)
        if smallest is None:
            return
        values, column = smallest
        i = numbers(block.rows, column).repeat_interleave(self.k)
        j = numbers(block.columns, column)[column.flatten()]
        high = self.left.interval(i, self.right, j)[1].view(values.shape)
        limit = self.part(block)
        torch.minimum(limit, high.masked_fill(values == torch.inf, torch.inf).amax(1), out=limit)

    def tighten(self, bounds: Bounds, block: Block) -> None:
        """Lower the limits to what ``k`` pairs of a block certainly stay below."""
        reached = bounds.kth(self.k)
        if reached is not None:
            limit = self.part(block)
            torch.minimum(limit, bounds.upper(reached), out=limit)

    def add(self, found: Candidates) -> None:
        """Take candidates in, and lower the limits by what bounds their distances."""
        near = found.low <= self.limit[found.i - self.panel.start]
        i, j = found.i[near], found.j[near]
        if found.high is None:
            low, high = self.left.interval(i, self.right, j)
        else:
            low, high = found.low[near], found.high[near]
        self._lower(i - self.panel.start, high)
        self.kept.append(Candidates(i, j, low))
        self.count += len(i)
        if self.count > max(KEEP, 2 * _ROOM * self.uppers.numel()):
            self.count = len(self._prune().i)

    def _lower(self, query: torch.Tensor, high: torch.Tensor) -> None:
        if self.k == 1:
            self.uppers[:, 0].scatter_reduce_(0, query, high, "amin")
        else:
            order = torch.argsort(high, stable=True)
            order = order[torch.argsort(query[order], stable=True)]
            query, high = query[order], high[order]
            first = torch.searchsorted(query, query)
            rank = torch.arange(len(query), device=query.device) - first
            some = rank < self.k
            more = torch.full_like(self.uppers, torch.inf)
            more[query[some], rank[some]] = high[some]
            self.uppers = torch.cat([self.uppers, more], 1).sort(1).values[:, : self.k]
        self.limit = torch.minimum(self.limit, self.uppers[:, -1])

    def _prune(self) -> Candidates:
        """Drop what lies beyond the limits by now, and return what is left."""
        i, j, low = (torch.cat(parts) for parts in zip(*((c.i, c.j, c.low) for c in self.kept), strict=True))
        near = low <= self.limit[i - self.panel.start]
        left = Candidates(i[near], j[near], low[near])
        self.kept = [left]
        return left

    def finish(self) -> tuple[Floats, Ints]:
        """Return the exact distances and row numbers, (n, k) each."""
        left = self._prune()
        if len(left.i) > _ROOM * self.uppers.numel():
            low, high = self.left.interval(left.i, self.right, left.j)
            self.uppers.fill_(torch.inf)  # each pair counts once
            self._lower(left.i - self.panel.start, high)
            self.kept = [Candidates(left.i, left.j, low)]
            left = self._prune()
        order = torch.argsort(left.i)  # a row that is met again is still in the cache
        i, j = left.i[order], left.j[order]
        distance = self.left.distance(i, self.right, j)
        query, index = (i - self.panel.start).cpu().numpy(), j.cpu().numpy()
        ranked = np.lexsort((index, distance, query))
        first = np.searchsorted(query[ranked], np.arange(len(self.limit)))
        best = ranked[first[:, None] + np.arange(self.k)]
        return distance[best], index[best]
