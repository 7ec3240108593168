"""How many pairs lie within each of many radii."""

from __future__ import annotations

import numpy as np
import torch

from didlearn.arrays import ArrayOrTensor, Floats, Ints
from didlearn.errors import UsageError
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import Block, Candidates
from didlearn.neighbors.screening.places import Places
from didlearn.neighbors.screening.rows import Rows, as_rows
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
    edges = np.asarray(radii, np.float64)
    if edges.ndim != 1 or not bool(np.all(edges >= 0)) or bool(np.any(np.diff(edges) < 0)):
        raise UsageError(f"radii must be a vector of ascending distances of 0 or more, got {radii!r}")
    (rows,) = as_rows(x, device=device)
    if not len(edges):
        return np.zeros(0, np.int64)
    tally = _Tally(rows, edges * rows.scale)
    tally.run()
    return np.cumsum(tally.counts[:-1])


class _Tally(Within):
    """How many pairs lie between one radius and the next.

    Attributes:
        edges: the radii in scaled units.
        counts: (len(edges) + 1,), the last for pairs beyond all radii.
    """

    def __init__(self, rows: Rows, edges: Floats) -> None:
        super().__init__(rows, float(edges[-1]))
        self.edges = edges
        self.counts = np.zeros(len(edges) + 1, np.int64)

    def settle(self, bounds: Bounds, block: Block, limit: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Take the pairs whose place among the radii is sure."""
        radii = [torch.full_like(limit, edge) for edge in self.edges]
        inner = torch.stack([bounds.inner(radius).amin() for radius in radii])
        outer = torch.stack([bounds.outer(radius).amax() for radius in radii])
        places, last = Places(inner, outer), len(radii)
        met = (bounds.minima().amin(1) <= outer[-1]).nonzero().flatten()
        for some in split(met):
            lower = bounds.lower[some]
            place = places.of(lower)
            self.counts += torch.bincount(place.flatten(), minlength=last + 1)[: last + 1].cpu().numpy()
            bounds.lower[some] = lower.masked_fill_(place <= last, torch.inf)
        return limit

    def equal(self, inside: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> None:  # noqa: ARG002
        """Take pairs at distance zero."""
        self.counts[0] += int(inside.sum())

    def add(self, found: Candidates) -> None:
        """Take the open pairs by their distances."""
        distance = self.rows.distance(found.i, self.rows, found.j)
        self.counts += np.bincount(np.searchsorted(self.edges, distance), minlength=len(self.counts))
