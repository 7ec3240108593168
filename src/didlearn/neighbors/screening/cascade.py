"""Which pairs of a block can lie within a limit: cheap bounds first, dearer ones only where those do not decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import count

import torch

from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.level import Level
from didlearn.neighbors.screening.levels import SKETCHED_FROM, Ladder
from didlearn.neighbors.screening.rows import RowIndex, Rows
from didlearn.neighbors.screening.threads import few_threads

PANEL_ROWS = 4096  # left rows whose coordinates are kept
BLOCK_COLUMNS = 1152  # right rows multiplied with them at once
DIRECT = 100  # one distance computed alone costs as much as this many in a matrix product
_GATHER = 50  # fetching a row's coordinates likewise


@dataclass(frozen=True)
class Block:
    """Rows of the left set and of the right: slices, or row numbers once narrowed down."""

    rows: RowIndex
    columns: RowIndex

    @property
    def area(self) -> int:
        """How many pairs the block holds."""
        return length(self.rows) * length(self.columns)


@dataclass(frozen=True)
class Candidates:
    """Pairs that may lie within the limit, with bounds of their distances in scaled units, (m,) each.

    A sketch knows no ``high``: ``None``.
    """

    i: torch.Tensor
    j: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor | None = None


Mask = Callable[[Bounds, Block], None]
Settle = Callable[[Bounds, Block, torch.Tensor], torch.Tensor]


class Survey:
    """What the bounds of one level leave open within a block."""

    def __init__(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> None:
        self.bounds, self.block, self.limit = bounds, block, limit
        self.alive = bounds.alive(limit)

    def kept(self) -> RowIndex:
        """Return the block's rows, counted within it, that have a pair left; all where they are not far fewer."""
        rows = self.alive[:, 0].unique_consecutive()
        return slice(0, len(self.limit)) if 2 * len(rows) > len(self.limit) else rows

    def narrowed(self) -> tuple[Block, torch.Tensor]:
        """Return the block and the limits of the rows kept."""
        kept = self.kept()
        rows = self.block.rows if isinstance(kept, slice) else numbers(self.block.rows, kept)[kept]
        return Block(rows, self.block.columns), self.limit[kept]

    def candidates(self) -> Iterator[Candidates]:
        """Yield the pairs left."""
        rows, columns = numbers(self.block.rows, self.alive), numbers(self.block.columns, self.alive)
        for row, column, low in self.bounds.pairs(self.limit, self.alive):
            if len(row):
                high = self.bounds.above(row, column) if self.bounds.tight else None
                yield Candidates(rows[row], columns[column], low, high)

    def few(self, allowance: float) -> list[Candidates] | None:
        """Return the pairs left, or ``None`` when they are more than allowed."""
        found: list[Candidates] = []
        count = 0
        if len(self.alive) > allowance:
            return None
        for candidates in self.candidates():
            found.append(candidates)
            count += len(candidates.i)
            if count > allowance:
                return None
        return found


class Cascade:
    """The levels of two sets of rows, tried in order on every block.

    Args:
        left, right: the rows; the same object when pairs within one set are asked for.
        mask: sets the bounds of pairs that do not count to infinity.
        settle: shown tight bounds (of all coordinates) and the limit before they are compared; returns the limit,
            lowered if it likes, and sets pairs that it needs no further distance for to infinity.
        sketched_from: fewer rows are not sketched; SKETCHED_FROM if not given.
    """

    def __init__(
        self, left: Rows, right: Rows, mask: Mask, settle: Settle | None = None, sketched_from: int | None = None
    ) -> None:
        self.mask, self.settle = mask, settle
        self._ladder = Ladder(left, right, SKETCHED_FROM if sketched_from is None else sketched_from)
        self._panel = slice(0, 0)
        self._furnish()

    def _furnish(self) -> None:
        self._steps: list[Level] = []
        self._top: tuple[Level, Level] | None = None

    def hold(self, panel: slice) -> None:
        """Announce the left rows that the next blocks lie in."""
        if panel == self._panel:
            return
        self._panel = panel
        for level in (*self._steps, *(self._top or ())):
            level.hold(panel)

    def copied(self, mask: Mask | None = None, settle: Settle | None = None) -> Cascade:
        """Return one for another worker, with its own mask and settling where these are given.

        It shares what is known of the rows, and no room to work in.
        """
        twin = copy(self)
        twin.mask, twin.settle = mask or self.mask, settle or self.settle
        twin._furnish()
        return twin

    @property
    def sketches(self) -> Iterator[Level]:
        """The levels that rule pairs out."""
        for number in count():
            if number == len(self._steps):
                level = self._ladder.step(number)
                if level is None:
                    return
                self._steps.append(self._own(level))
            yield self._steps[number]

    @property
    def tight(self) -> tuple[Level, Level]:
        """The levels of all coordinates, in single and in double precision."""
        if self._top is None:
            single, double = self._ladder.top()
            self._top = self._own(single), self._own(double)
        return self._top

    def _own(self, level: Level) -> Level:
        own = level.copied()
        own.hold(self._panel)
        return own

    def bounds(self, level: Level, block: Block) -> Bounds:
        """Return one level's bounds of a block, masked."""
        bounds = level.bounds(block.rows, block.columns)
        self.mask(bounds, block)
        return bounds

    def survivors(self, block: Block, limit: torch.Tensor) -> Iterator[Candidates]:
        """Yield the pairs of a block that may lie within ``limit``, (rows,) in scaled units."""
        for level in self.sketches:
            if not level.due(limit):
                continue
            survey = Survey(self.bounds(level, block), block, limit)
            narrow, limit = survey.narrowed()
            found = survey.few(allowance(narrow))
            level.judge(enough=found is not None or 4 * narrow.area <= block.area)
            if found is not None:
                yield from found
                return
            if narrow.area < block.area:
                # A few remaining rows are sooner looked at in full than sketched again.
                block = narrow
                break
        yield from self.decide(block, limit)

    def decide(self, block: Block, limit: torch.Tensor) -> Iterator[Candidates]:
        """Yield the pairs of a block that may lie within ``limit`` by bounds of all coordinates."""
        single, double = self.tight
        settled = None
        if single.due(limit):
            survey = self._survey(single, block, limit, None)
            block, limit = survey.narrowed()
            # Double precision costs twice as much and helps only against rounding.
            found = survey.few(4 * allowance(block))
            single.judge(enough=found is not None)
            if found is not None:
                yield from found
                return
            settled = survey.bounds.lower[survey.kept()] == torch.inf
        yield from self._survey(double, block, limit, settled).candidates()

    def _survey(self, level: Level, block: Block, limit: torch.Tensor, settled: torch.Tensor | None) -> Survey:
        bounds = self.bounds(level, block)
        if settled is not None:
            bounds.hide(settled)
        return Survey(bounds, block, limit if self.settle is None else self.settle(bounds, block, limit))


def allowance(block: Block) -> float:
    """Return how many distances computed one by one cost as much as the matrix product of a block."""
    return (block.area + _GATHER * (length(block.rows) + length(block.columns))) / DIRECT


def numbers(index: RowIndex, like: torch.Tensor) -> torch.Tensor:
    """Return the row numbers an index stands for."""
    return torch.arange(index.start, index.stop, device=like.device) if isinstance(index, slice) else index


def length(index: RowIndex) -> int:
    """Return how many rows an index stands for."""
    return index.stop - index.start if isinstance(index, slice) else len(index)


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply float32 matrices in float32: the rounding bounds hold for nothing coarser (TF32, bfloat16)."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode(), few_threads():
            yield
    finally:
        torch.set_float32_matmul_precision(before)
