"""The nearest rows of a reference set, exact."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import Floats, Ints
from didlearn.errors import DataError, UsageError
from didlearn.neighbors.others import NearestOthers
from didlearn.neighbors.repeats import late_copies
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import (
    BLOCK_COLUMNS,
    Block,
    Cascade,
    Survey,
    allowance,
    full_precision,
    length,
    numbers,
)
from didlearn.neighbors.screening.levels import SOUGHT_FROM
from didlearn.neighbors.screening.rows import AnyRows, Rows, as_rows
from didlearn.neighbors.screening.threads import Workers, slices
from didlearn.neighbors.shortlist import Shortlist
from didlearn.neighbors.tiles import by_tiles
from didlearn.units.memory import at_once

STRIP_ROWS = 1024  # queries that one worker looks at, and
STRIP_COLUMNS = 10240  # reference rows to which it holds their sketched distances


class Neighbors(NamedTuple):
    """The nearest reference rows of each query, in ascending order of (distance, index).

    Attributes:
        distance: (n, k) Euclidean, float64.
        index: (n, k) row numbers in the reference, int64.
    """

    distance: Floats
    index: Ints  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a record


def nearest(
    query: AnyRows,
    reference: AnyRows,
    k: int = 1,
    *,
    exclude: Ints | None = None,
    device: str | torch.device | None = None,
) -> Neighbors:
    """Return the ``k`` nearest rows of ``reference`` for each row of ``query``.

    Exact: neighbours are ordered by the float64 distance ``√Σ(a - b)²``, ties by the row number. The result depends
    on neither threads, device nor block size. Never holds more than a block of the distance matrix.

    Args:
        query, reference: (n, D) and (m, D) points or images; numpy or torch; float32, float64 or uint8.
        k: how many neighbours.
        exclude: (n,) the reference row that does not count for each query, -1 for none: ``arange(n)`` finds the
            nearest other row of the same set.
        device: where to work; the arrays' own device unless given.

    Raises:
        DataError: points that cannot be used, or a query with fewer than ``k`` rows to choose from.
        UsageError: ``k`` is negative, or ``exclude`` does not fit.
    """
    if k < 0:
        raise UsageError(f"k must be 0 or more, got {k}")
    left, right = as_rows(query, reference, device=device)
    if query is reference and exclude is not None and np.array_equal(exclude, np.arange(len(left))):
        return _others(left, k)
    banned = _banned(exclude, len(left), len(right)).to(left.raw.device)
    available = len(right) - int(bool((banned >= 0).any()))
    _check_enough(k, available, len(left))
    if not (k and len(left)):
        return Neighbors(np.empty((len(left), k)), np.empty((len(left), k), np.int64))
    return _joined(by_tiles(partial(_sought, left, right, k, banned), left, right), left.scale)


def _joined(parts: list[tuple[Floats, Ints]], scale: float) -> Neighbors:
    return Neighbors(np.concatenate([d for d, _ in parts]) / scale, np.concatenate([j for _, j in parts]))


def _sought(left: Rows, right: Rows, k: int, banned: torch.Tensor, part: slice) -> tuple[Floats, Ints]:
    with full_precision():
        return _Search(left, right, k, banned).run(part)


def _others(rows: Rows, k: int) -> Neighbors:
    """Return the nearest other rows of each row: half the distances do."""
    _check_enough(k, len(rows) - 1, len(rows))
    if not (k and len(rows)):
        return Neighbors(np.empty((len(rows), k)), np.empty((len(rows), k), np.int64))
    parts = by_tiles(partial(_sought_others, rows, k), rows, rows, dearer=2)
    return _joined(parts, rows.scale)


def _sought_others(rows: Rows, k: int, part: slice) -> tuple[Floats, Ints]:
    """Look for the others of some rows among all: of all rows at once half the distances do."""
    if length(part) < len(rows):
        return _sought(rows, rows, k, torch.arange(len(rows)), part)
    with full_precision():
        return NearestOthers(rows, k).run()


def _check_enough(k: int, available: int, queries: int) -> None:
    if k > available and queries:
        raise DataError(f"{k} neighbours were asked for and the reference has {available}; lower k or add rows")


def _banned(exclude: Ints | None, queries: int, references: int) -> torch.Tensor:
    if exclude is None:
        return torch.full((queries,), -1)
    banned = np.asarray(exclude)
    if banned.shape != (queries,) or banned.dtype.kind not in "iu":
        raise UsageError(f"exclude must hold one row number per query ({queries}), got {banned.dtype} {banned.shape}")
    if queries and not -1 <= int(banned.min()) <= int(banned.max()) < references:
        raise UsageError(f"exclude must lie between -1 and {references - 1}, got {banned.min()} to {banned.max()}")
    return torch.from_numpy(banned.astype(np.int64))


class _Search:
    """One pass over the queries, panel by panel."""

    def __init__(self, left: Rows, right: Rows, k: int, banned: torch.Tensor) -> None:
        self.left, self.right, self.k, self.banned = left, right, k, banned
        self.repeated = late_copies(right.raw, k + 1)
        self.cascade = Cascade(left, right, self._mask, self._tighten, SOUGHT_FROM)

    def run(self, part: slice) -> tuple[Floats, Ints]:
        """Return distances in scaled units and row numbers, (n, k) each, of some queries."""
        # Asked here: workers' threads are not told that memory ran out.
        panels = slices(part.start, part.stop, at_once(STRIP_ROWS))
        self.strips, self.blocks = (slices(0, len(self.right), at_once(n)) for n in (STRIP_COLUMNS, BLOCK_COLUMNS))
        parts = Workers(self.cascade.copied).share(self._panel, panels)
        return np.concatenate([d for d, _ in parts]), np.concatenate([j for _, j in parts])

    def _panel(self, cascade: Cascade, panel: slice) -> tuple[Floats, Ints]:
        cascade.hold(panel)
        short = Shortlist(self.left, self.right, self.k, panel)
        decided = self._by_sketch(cascade, short)
        for columns in self.blocks if not decided else []:
            self._by_all(cascade, short, Block(panel, columns))
        return short.finish()

    def _by_sketch(self, cascade: Cascade, short: Shortlist) -> bool:
        """Work through the panel in strips; return whether sketches decide the first, as they would the others."""
        for columns in self.strips:
            block = Block(short.panel, columns)
            if not self._sketch(cascade, short, block):
                if columns.start == 0:
                    return False
                self._by_all(cascade, short, block)
        return True

    def _sketch(self, cascade: Cascade, short: Shortlist, block: Block) -> bool:
        for level in cascade.sketches:
            if level.due(short.part(block)):
                bounds = cascade.bounds(level, block)
                short.seed(bounds, block)
                found = Survey(bounds, block, short.part(block)).few(allowance(block))
                level.judge(enough=found is not None)
                if found is not None:
                    for candidates in found:
                        short.add(candidates)
                    return True
        return False

    def _by_all(self, cascade: Cascade, short: Shortlist, block: Block) -> None:
        for candidates in cascade.decide(block, short.part(block)):
            short.add(candidates)

    def _mask(self, bounds: Bounds, block: Block) -> None:
        banned = self.banned[block.rows]
        columns = numbers(block.columns, banned)
        place = torch.searchsorted(columns, banned).clamp_(max=len(columns) - 1)
        row = (columns[place] == banned).nonzero().flatten()
        bounds.hide_pairs(row, place[row])
        if len(self.repeated):
            bounds.hide(torch.isin(columns, self.repeated))

    def _tighten(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Lower the limits to what k pairs of the block certainly stay below."""
        reached = bounds.kth(self.k)
        return limit if reached is None else torch.minimum(limit, bounds.upper(reached))
