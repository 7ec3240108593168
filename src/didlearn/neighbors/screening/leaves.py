"""Rows in leaves of a k-d tree: rows of leaves that lie far apart need not be compared one by one.

Bentley 1975, over leading components: a leaf is halved across the component that it spreads most along, until it is
small enough. A box holds the components of its rows, and no two rows lie nearer than the boxes of their leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Leaves:
    """Rows sorted by the leaf that they lie in, and boxes around these.

    Attributes:
        order: (n,) the row at each place. places: of each leaf.
        low, high: (l, c) the corners of the boxes, float64. error: (l,) how far coordinates may lie from true ones.
    """

    order: torch.Tensor
    places: list[slice]
    low: torch.Tensor
    high: torch.Tensor
    error: torch.Tensor

    @classmethod
    def of(cls, values: torch.Tensor, errors: torch.Tensor, most: int) -> Leaves:
        """Sort rows by their coordinates (n, c), whose errors (n,) are known, into leaves of at most ``most``."""
        leaves = [torch.arange(len(values), device=values.device)]
        while len(leaves[0]) > most:  # the first half of an odd number is the larger one
            leaves = [half for leaf in leaves for half in _halved(values, leaf)]
        boxes = [values[leaf].aminmax(dim=0) for leaf in leaves]
        low, high = (torch.stack(corners).double() for corners in zip(*boxes, strict=True))
        stops = torch.tensor([len(leaf) for leaf in leaves]).cumsum(0).tolist()
        places = [slice(start, stop) for start, stop in zip([0, *stops[:-1]], stops, strict=True)]
        return cls(torch.cat(leaves), places, low, high, torch.stack([errors[leaf].amax() for leaf in leaves]))

    def after(self, number: int, limit: float) -> list[tuple[slice, float]]:
        """Return the leaves after one that may hold a row within ``limit`` of its own, the nearest first.

        Each by its places, and by how far the rows of the two lie apart at the least.
        """
        low, high, error = self.low[number + 1 :], self.high[number + 1 :], self.error[number + 1 :]
        gap = torch.maximum(low - self.high[number], self.low[number] - high).clamp_(min=0)
        apart = torch.linalg.vector_norm(gap, dim=1) * (1 - 1e-9) - self.error[number] - error
        found = zip(self.places[number + 1 :], apart.tolist(), strict=True)
        return sorted(((place, least) for place, least in found if least <= limit), key=lambda pair: pair[1])


def _halved(values: torch.Tensor, leaf: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    some = values[leaf]
    order = leaf[some[:, some.var(dim=0, correction=0).argmax()].argsort(stable=True)]
    middle = (len(leaf) + 1) // 2
    return order[:middle], order[middle:]
