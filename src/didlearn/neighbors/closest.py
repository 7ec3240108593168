"""The closest pairs within one set of points, exact."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import ArrayOrTensor, Floats, Ints
from didlearn.errors import UsageError
from didlearn.neighbors.screening.bounds import TILE, Bounds
from didlearn.neighbors.screening.cascade import (
    PANEL_ROWS,
    Block,
    Candidates,
    Cascade,
    Survey,
    allowance,
    full_precision,
    length,
    numbers,
)
from didlearn.neighbors.screening.leaves import Leaves
from didlearn.neighbors.screening.level import Level
from didlearn.neighbors.screening.rows import RowIndex, Rows, as_rows
from didlearn.neighbors.screening.sketch import Sketch
from didlearn.neighbors.screening.threads import Workers, slices
from didlearn.neighbors.screening.triangle import above_diagonal, triangle
from didlearn.neighbors.tiles import by_tiles

_CHUNK = 1024  # pairs settled between two looks at the limit
_LEAVES_FROM = 4096  # of fewer rows all blocks are looked at sooner than they are sorted
_LEAVES = 16  # at least, where leaves are not smaller than
_SMALLEST_LEAF = 1024
_LENIENT = 8  # times as many pairs as elsewhere may be left: the limit is far above what it comes to, at first
_TOGETHER = 32  # leaves whose pairs with all others are listed at once


class Pairs(NamedTuple):
    """Pairs of rows in ascending order of (distance, first, second), with ``first < second``.

    Attributes:
        distance: (k,) Euclidean, float64.
        first, second: (k,) row numbers, int64.
    """

    distance: Floats
    first: Ints
    second: Ints


def closest_pairs(x: ArrayOrTensor, k: int = 20, *, device: str | torch.device | None = None) -> Pairs:
    """Return the ``k`` closest pairs of rows.

    Exact: pairs are ordered by the float64 distance ``√Σ(a - b)²``, ties by the row numbers. The result depends on
    neither threads, device nor block size. Never holds more than a block of the distance matrix.

    Args:
        x: (N, D) points or (N, C, H, W) images; numpy or torch; float32, float64 or uint8 (taken as 0..255).
        k: how many pairs; all of them where there are fewer.
        device: where to work; the array's own device unless given.

    Raises:
        DataError: the points hold NaN or infinity, or are not two-dimensional.
        UsageError: ``k`` is negative.
    """
    if k < 0:
        raise UsageError(f"k must be 0 or more, got {k}")
    (rows,) = as_rows(x, device=device)
    best = _Best(rows, min(k, len(rows) * (len(rows) - 1) // 2))
    if best.k:
        for pairs in by_tiles(partial(_closest, rows, best.k), rows, rows, triangle=True):
            best.enter(pairs)
    return Pairs(best.pairs.distance / rows.scale, best.pairs.first, best.pairs.second)


def _closest(rows: Rows, k: int, part: slice) -> Pairs:
    """Return the ``k`` closest of the pairs whose first row lies in some part, in scaled units."""
    best = _Best(rows, k)
    with full_precision():
        cascade = Cascade(rows, rows, above_diagonal, best.tighten)
        if length(part) == len(rows) >= _LEAVES_FROM and _LeafByLeaf(best, cascade).run():
            return best.pairs
        workers = Workers(cascade.copied)
        for panel, blocks in triangle(len(rows), part):
            if not best.full():
                cascade.hold(panel)
                best.seed(cascade, blocks[0])
            workers.share(partial(best.look, panel), blocks)
    return best.pairs


class _LeafByLeaf:
    """A search among rows sorted by where they lie: the leaves of rows that are near each other come first."""

    def __init__(self, best: _Best, cascade: Cascade) -> None:
        self.best, self.cascade = best, cascade
        self.failed = False

    def run(self) -> bool:
        """Look at all pairs by their sketches; return whether these were enough."""
        best, rows = self.best, self.best.rows
        level = next(self.cascade.sketches, None)
        if level is None or not isinstance(level.left, Sketch):
            return False
        panel, blocks = next(triangle(len(rows)))
        self.cascade.hold(panel)
        best.seed(self.cascade, blocks[0])
        if not best.full() or not level.due(best.limits(panel)):
            return False
        sketch = level.left.complete()
        leaves = Leaves.of(sketch.values, sketch.errors, min(max(len(rows) // _LEAVES, _SMALLEST_LEAF), PANEL_ROWS))
        self.order, sketch = leaves.order, sketch.sorted(leaves.order)
        workers = Workers(Level(sketch, sketch).copied)
        workers.share(self._look, [(place, place, 0.0) for place in leaves.places])
        for some in slices(0, len(leaves.places), _TOGETHER):
            after = [(leaves.places[a], *b) for a in range(some.start, some.stop) for b in leaves.after(a, best.limit)]
            workers.share(self._look, after)
        return not self.failed

    def _look(self, level: Level, pair: tuple[slice, slice, float]) -> None:
        """Let the pairs of two leaves enter, first those that look closest."""
        rows, columns, apart = pair
        if self.failed or apart > self.best.limit:
            return
        block = Block(rows, columns)
        level.hold(rows)
        bounds = level.bounds(rows, columns)
        if rows == columns:
            above_diagonal(bounds, block)
            self._offer(_smallest(bounds, block, self.best.some))
        found = Survey(bounds, block, self.best.limits(rows)).few(_LENIENT * allowance(block))
        self.failed |= found is None
        for candidates in found or ():
            self._offer(candidates)

    def _offer(self, found: Candidates) -> None:
        i, j = self.order[found.i], self.order[found.j]
        self.best.offer(Candidates(torch.minimum(i, j), torch.maximum(i, j), found.low))


class _Best:
    """The closest pairs so far, in scaled units."""

    def __init__(self, rows: Rows, k: int) -> None:
        self.rows, self.k = rows, k
        self.some = 2 * k + 64  # pairs that look closest, for a start
        self.pairs = Pairs(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
        self.tightened = False
        self.lock = Lock()

    def full(self) -> bool:
        return len(self.pairs.distance) == self.k

    @property
    def limit(self) -> float:
        """The distance of the last pair: nothing beyond it can still enter."""
        return float(self.pairs.distance[-1]) if self.full() else np.inf

    def limits(self, rows: RowIndex) -> torch.Tensor:
        """Return the limit for each of some rows."""
        return torch.full((length(rows),), self.limit, dtype=torch.float64, device=self.rows.raw.device)

    def open(self, block: Block) -> Block | None:
        """Cut off the rows that cannot matter: once all distances are zero, only an earlier pair can enter."""
        assert isinstance(block.rows, slice)
        if self.limit > 0:
            return block
        stop = min(block.rows.stop, int(self.pairs.first[-1]) + 1)
        return Block(slice(block.rows.start, stop), block.columns) if stop > block.rows.start else None

    def seed(self, cascade: Cascade, block: Block) -> None:
        """Take pairs of a block that look close by the cheapest bounds, so that the limit is low from the start."""
        level = next(cascade.sketches, None)
        self._take_smallest(cascade.bounds(cascade.tight[0] if level is None else level, block), block)

    def look(self, panel: slice, cascade: Cascade, block: Block) -> None:
        """Let the pairs of a block of some panel enter."""
        left = self.open(block)
        if left is None:
            return
        cascade.hold(panel)
        for candidates in cascade.survivors(left, self.limits(left.rows)):
            self.offer(candidates)

    def tighten(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:
        """Take what looks close by bounds of all coordinates, once: where sketches say little, they were no start."""
        if not self.tightened:
            self.tightened = True
            self._take_smallest(bounds, block)
        return limit.clamp(max=self.limit)

    def _take_smallest(self, bounds: Bounds, block: Block) -> None:
        self.offer(_smallest(bounds, block, self.some))

    def offer(self, candidates: Candidates) -> None:
        """Let pairs enter that are closer than the last one, nearest bounds first."""
        order = torch.argsort(candidates.low, stable=True)
        for chunk in order.split(max(_CHUNK, self.k)):
            chunk = chunk[candidates.low[chunk] <= self.limit]
            if not len(chunk):
                return
            i, j = candidates.i[chunk], candidates.j[chunk]
            if self.full():
                i, j = self._near(i, j)
            pairs = Pairs(self.rows.distance(i, self.rows, j), i.cpu().numpy(), j.cpu().numpy())
            with self.lock:
                self.enter(pairs)

    def _near(self, i: torch.Tensor, j: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        limit, last = self.limit, self.pairs  # once: others lower it meanwhile
        if limit == 0:
            first, second = int(last.first[-1]), int(last.second[-1])
            earlier = (i < first) | ((i == first) & (j < second))
            i, j = i[earlier], j[earlier]
        low, _ = self.rows.interval(i, self.rows, j)
        near = low <= limit
        return i[near], j[near]

    def enter(self, pairs: Pairs) -> None:
        """Let the closest of some pairs enter."""
        distance, first, second = (np.concatenate(both) for both in zip(self.pairs, pairs, strict=True))
        order = np.lexsort((second, first, distance))
        again = (np.diff(first[order], prepend=-1) == 0) & (np.diff(second[order], prepend=-1) == 0)
        order = order[~again][: self.k]
        self.pairs = Pairs(distance[order], first[order], second[order])


def _smallest(bounds: Bounds, block: Block, some: int) -> Candidates:
    """Return the pairs of least bounds: of the least of each tile, where there are enough of these."""
    tiles = bounds.tiles
    minima, across = bounds.minima().flatten(), tiles.shape[1] * TILE
    in_tiles = len(minima) >= 4 * some
    values = minima if in_tiles else tiles.flatten()
    found = values.topk(min(len(values), some), largest=False)
    place = found.indices[found.values < torch.inf]
    if in_tiles:
        place = place * TILE + tiles.flatten(0, 1)[place].argmin(1)
    row, column = place // across, place % across
    i, j = numbers(block.rows, row)[row], numbers(block.columns, column)[column]
    return Candidates(i, j, bounds.below(row, column))
