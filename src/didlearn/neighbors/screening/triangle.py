"""The pairs ``i < j`` of one set of rows, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import BLOCK_COLUMNS, PANEL_ROWS, Block, numbers
from didlearn.neighbors.screening.threads import slices
from didlearn.units.memory import at_once


def triangle(count: int, part: slice | None = None) -> Iterator[tuple[slice, list[Block]]]:
    """Yield panels of rows and their blocks, in ascending order, that together hold every pair ``i < j``.

    Args:
        count: rows. part: those that ``i`` may be; all unless given.
    """
    start, stop = (0, count) if part is None else (part.start, part.stop)
    for panel in slices(start, stop, at_once(PANEL_ROWS)):
        columns = slices(panel.start, count, at_once(BLOCK_COLUMNS))
        yield panel, [Block(slice(panel.start, min(panel.stop, c.stop)), c) for c in columns]


def above_diagonal(bounds: Bounds, block: Block) -> None:
    """Mask the pairs ``i >= j``."""
    rows, columns = numbers(block.rows, bounds.lower), numbers(block.columns, bounds.lower)
    # Rows ascend: those before the first column need no mask.
    start = int(torch.searchsorted(rows, columns[0]))
    if start < len(rows):
        bounds.hide(rows[start:, None] >= columns, slice(start, None))
