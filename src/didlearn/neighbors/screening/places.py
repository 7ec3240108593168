"""Where values lie among edges that come in pairs: a table of their leading bits in place of a search for each."""

from __future__ import annotations

import torch

_DROPPED = 13  # bits of a float32: a cell of the table spans a thousandth of its values


class Places:
    """Between which of n ascending edges values lie, where two vectors of edges say the same.

    The order of floats of 0 or more is that of their bits. A cell of values with the same leading bits lies wholly
    between two edges, or holds one; only values of such cells are looked up one by one.
    """

    def __init__(self, inner: torch.Tensor, outer: torch.Tensor) -> None:
        """Take both vectors, (n,), ``inner`` at or below ``outer``."""
        self.inner, self.outer = inner, outer
        self.open = len(outer) + 1
        self.table = self._tabulated() if outer.dtype == torch.float32 else None

    def of(self, values: torch.Tensor) -> torch.Tensor:
        """Return how many edges lie below each value, int32; more than n where the two differ or it is infinite."""
        if self.table is None:
            return self._searched(values)
        place = self.table.index_select(0, _cells(values).flatten())
        unsure = (place == self.open).nonzero().flatten()
        place[unsure] = self._searched(values.flatten()[unsure])
        return place.view_as(values)

    def _searched(self, values: torch.Tensor) -> torch.Tensor:
        place = torch.searchsorted(self.outer, values, out_int32=True)
        sure = (place == torch.searchsorted(self.inner, values, out_int32=True)) & (values < torch.inf)
        return place.masked_fill_(~sure, self.open)

    def _tabulated(self) -> torch.Tensor:
        last = int(_cells(torch.tensor([torch.inf])))
        held = [torch.bincount(_cells(edges), minlength=last + 1) for edges in (self.inner, self.outer)]
        below = [counts.cumsum(0) for counts in held]
        unsure = (held[1] > 0) | (below[0] != below[1])  # an inner edge is counted before its outer one
        table = below[1].masked_fill(unsure, self.open).int()
        table[last] = self.open + 1
        return table


def _cells(values: torch.Tensor) -> torch.Tensor:
    """Return the leading bits of float32 values; of those below 0 the bits of 0."""
    return values.contiguous().view(torch.int32).clamp(min=0).bitwise_right_shift_(_DROPPED)
