"""A search over pairs cut into tiles, each a part of the left rows: workers of other machines do them.

What a search answers does not depend on where it is cut: it is exact. Cut it is at whole panels, so that each tile
looks at the very blocks that the whole search would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from didlearn.neighbors.screening.cascade import PANEL_ROWS
from didlearn.neighbors.screening.rows import Rows
from didlearn.neighbors.screening.threads import slices
from didlearn.units.cluster import current_cluster
from didlearn.units.memory import within_memory

T = TypeVar("T")
_WORTH = 1e12  # multiplications that pay for sending a tile, and its share of the rows: ten seconds of one core


def by_tiles(
    search: Callable[[slice], T], left: Rows, right: Rows, *, triangle: bool = False, dearer: float = 1
) -> list[T]:
    """Return what a search finds for each tile of its left rows, in their order.

    Args:
        search: of some left rows, and of all where nothing is sent; asked several times, so it keeps nothing.
        left, right: the rows.
        triangle: whether each pair ``i < j`` of one set is met once, at its first row.
        dearer: by how much the tiles together take longer than the whole: they are sent to more workers than that.
    """
    cluster = current_cluster()
    whole = slice(0, len(left))
    here = cluster is None or cluster.shares_memory or cluster.workers <= dearer or left.raw.device.type != "cpu"
    parts = [whole] if here else _parts(len(left), len(right), left.width, triangle=triangle)
    if cluster is None or len(parts) < 2:
        return [within_memory(partial(search, whole))]
    from didlearn.units.spread import send_units  # for those who have workers

    found = dict(send_units(search, parts, cluster))
    return [found[number] for number in range(len(parts))]


def _parts(rows: int, columns: int, width: int, *, triangle: bool) -> Sequence[slice]:
    """Cut the left rows at panels into tiles that are worth sending each."""
    parts, start, work = list[slice](), 0, 0.0
    for panel in slices(0, rows, PANEL_ROWS):
        work += (panel.stop - panel.start) * (columns - triangle * (panel.start + panel.stop) / 2) * float(width)
        if work >= _WORTH:
            parts.append(slice(start, panel.stop))
            start, work = panel.stop, 0.0
    if start < rows and parts and work < _WORTH / 2:
        return [*parts[:-1], slice(parts[-1].start, rows)]  # the last ones are not worth their way
    return [*parts, slice(start, rows)] if start < rows else parts
