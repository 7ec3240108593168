"""The nearest other rows of each row of one set: every pair is met once, for both of its rows."""

from __future__ import annotations

from threading import Lock

import torch

from didlearn.arrays import Floats, Ints
from didlearn.neighbors.repeats import late_copies
from didlearn.neighbors.screening.bounds import Bounds
from didlearn.neighbors.screening.cascade import Block, Candidates, numbers
from didlearn.neighbors.screening.rows import Rows
from didlearn.neighbors.screening.walk import Walk
from didlearn.neighbors.shortlist import Shortlist


class NearestOthers:
    """One pass over the pairs of a set, each looking for its ``k`` nearest others."""

    def __init__(self, rows: Rows, k: int) -> None:
        self.rows = rows
        self.repeated = late_copies(rows.raw, k + 1)
        self.short = Shortlist(rows, rows, k, slice(0, len(rows)))
        self.lock = Lock()

    @property
    def limit(self) -> torch.Tensor:
        """(n,) how far each row still has to look."""
        return self.short.limit

    def run(self) -> tuple[Floats, Ints]:
        """Return distances in scaled units and row numbers, (n, k) each."""
        Walk(self.rows, self.rows, (self, self)).run()
        return self.short.finish()

    def mask(self, bounds: Bounds, block: Block) -> None:
        """Leave out later copies: they are nobody's neighbours."""
        if len(self.repeated):
            columns = numbers(block.columns, self.repeated)
            bounds.hide(torch.isin(columns, self.repeated))

    def settle(self, bounds: Bounds, block: Block, most: float) -> list[Candidates] | None:  # noqa: ARG002
        """Lower the limits."""
        with self.lock:
            self.short.tighten(bounds, block)
        return None

    def add(self, found: Candidates) -> None:
        """Take candidates in."""
        with self.lock:
            self.short.add(found)
