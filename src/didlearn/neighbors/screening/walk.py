"""Every pair of rows met once, for both of its rows: each looks for the others within a limit of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch

from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import (
    BLOCK_COLUMNS,
    PANEL_ROWS,
    Block,
    Candidates,
    Survey,
    allowance,
)
from didlearn.neighbors.screening.level import Level
from didlearn.neighbors.screening.levels import MET_FROM, sketched, whole
from didlearn.neighbors.screening.rows import Rows
from didlearn.neighbors.screening.threads import Workers, slices
from didlearn.units.memory import at_once


class Seeker(Protocol):
    """What the rows of one set look for among those of the other; its blocks have its own rows for rows."""

    @property
    def limit(self) -> torch.Tensor: ...  # noqa: D102 (n,) float64, how far each row looks, in scaled units

    def mask(self, bounds: Bounds, block: Block) -> None:
        """Set the bounds of pairs that do not count to infinity."""

    def settle(self, bounds: Bounds, block: Block, most: float) -> list[Candidates] | None:
        """Learn from bounds of all coordinates: lower limits, or take the pairs that are sure.

        Returns:
            The pairs that are open, where they were told apart and are no more than ``most``. ``None`` where they are
            still to be looked for: what was taken is hidden then.
        """

    def add(self, found: Candidates) -> None:
        """Take pairs that may lie within the limits."""


Open = dict[int, torch.Tensor | None]  # number of a side: which pairs of a block are settled for it, if any


@dataclass(frozen=True)
class Levels:
    """What one worker bounds distances by."""

    sketches: list[Level]
    tight: tuple[Level, Level]

    def hold(self, panel: slice) -> None:
        """Announce the left rows that the next blocks lie in."""
        for level in (*self.sketches, *self.tight):
            level.hold(panel)

    def copied(self) -> Levels:
        """Return levels for another worker: they share what is known of the rows, and no room to work in."""
        single, double = self.tight
        return Levels([level.copied() for level in self.sketches], (single.copied(), double.copied()))


class Walk:
    """The levels of two sets of rows, tried on every block for both sides, several blocks at a time.

    Args:
        left, right: the rows; the same object for pairs within one set.
        sides: what the left rows look for, and what the right ones do; one object may be both. Blocks are looked at
            beside one another, so they see to it that what they write is written by one at a time.
    """

    def __init__(self, left: Rows, right: Rows, sides: tuple[Seeker, Seeker]) -> None:
        self.sides, self.within = sides, left is right
        self.levels = Levels(list(sketched(left, right, MET_FROM, ())), whole(left, right))

    def run(self, part: slice | None = None) -> None:
        """Go through the pairs of some left rows, or of all; within one set, with the rows after each."""
        rows, columns = (len(side.limit) for side in self.sides)
        start, stop = (0, rows) if part is None else (part.start, part.stop)
        for panel in slices(start, stop, at_once(PANEL_ROWS)) if columns else []:
            self._look(panel, _own(panel, columns) if self.within else _all(panel, columns))

    def _look(self, panel: slice, blocks: list[Block]) -> None:
        """Hand both sides the pairs of some blocks of one panel of left rows that may lie within their limits."""
        self.levels.hold(panel)
        Workers(self.levels.copied).share(self._settle, sorted(blocks, key=lambda block: -block.area))

    def _settle(self, levels: Levels, block: Block) -> None:
        for level in levels.sketches:
            if self._by_sketch(level, block):
                return
        single, double = levels.tight
        open_: Open = dict.fromkeys(range(len(self._sides(block))))
        if single.due(self._limits(block)):
            open_ = self._by_all(single, block, open_, 4 * allowance(block))
            single.judge(enough=not open_)
        if open_:
            # Double precision costs twice as much and helps only against rounding.
            self._by_all(double, block, open_, math.inf)

    def _by_all(self, level: Level, block: Block, open_: Open, most: float) -> Open:
        """Look at all coordinates for the sides that are open; return those that more than ``most`` pairs are left of.

        What was settled for a side before is not shown to it again.
        """
        left = Open()
        for which, bounds, view in self._views(level, block):
            if which not in open_:
                continue
            side, settled = self.sides[which], open_[which]
            side.mask(bounds, view)
            if settled is not None:
                bounds.hide(settled)
            found = side.settle(bounds, view, most)
            if found is None:
                found = Survey(bounds, view, side.limit[view.rows]).few(most)
            if found is None:
                left[which] = bounds.lower == torch.inf
            for candidates in found or ():
                side.add(candidates)
        return left

    def _sides(self, block: Block) -> tuple[Seeker, ...]:
        """Return who looks at a block: one side sees the pairs of a square on the diagonal both ways."""
        return self.sides[:1] if self._square(block) else self.sides

    def _square(self, block: Block) -> bool:
        return self.within and block.rows == block.columns

    def _limits(self, block: Block) -> torch.Tensor:
        left, right = self.sides
        return torch.cat([left.limit[block.rows], right.limit[block.columns]])

    def _by_sketch(self, level: Level, block: Block) -> bool:
        """Try leading coordinates: whether they leave few pairs, which are then taken."""
        limits = self._limits(block)
        if bool(limits.isinf().any()) or not level.due(limits):
            return False
        found: list[tuple[Seeker, list[Candidates] | None]] = []
        for which, bounds, view in self._views(level, block):
            side = self.sides[which]
            side.mask(bounds, view)
            found.append((side, Survey(bounds, view, side.limit[view.rows]).few(allowance(block))))
        enough = all(some is not None for _, some in found)
        level.judge(enough=enough)
        if enough:
            for side, some in found:
                for candidates in some or ():
                    side.add(candidates)
        return enough

    def _views(self, level: Level, block: Block) -> list[tuple[int, Bounds, Block]]:
        """Return one level's bounds for each side, by its number: last those that hide pairs where all see it."""
        bounds = level.bounds(block.rows, block.columns)
        if self._square(block):
            each = torch.arange(bounds.height, device=bounds.padded.device)
            bounds.hide_pairs(each, each)
            return [(0, bounds, block)]
        return [(1, level.turned(bounds), Block(block.columns, block.rows)), (0, bounds, block)]


def _own(panel: slice, count: int) -> list[Block]:
    """Return blocks that hold the pairs of a panel's rows with one another and with all rows after it."""
    blocks = []
    for columns in slices(panel.start, panel.stop, at_once(BLOCK_COLUMNS)):
        above = slice(panel.start, columns.start)
        blocks += [Block(columns, columns), *([Block(above, columns)] if columns.start > panel.start else [])]
    return blocks + _all(panel, count, panel.stop)


def _all(panel: slice, count: int, start: int = 0) -> list[Block]:
    return [Block(panel, columns) for columns in slices(start, count, at_once(BLOCK_COLUMNS))]
