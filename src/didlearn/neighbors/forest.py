"""Connected components of rows, joined block by block."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from didlearn.arrays import Ints
from didlearn.neighbors.truths import any_true, first_true

_BATCH = 1 << 16  # single edges gathered before they are joined


class Forest:
    """Labels of connected components: the smallest row number in each."""

    def __init__(self, count: int) -> None:
        self.labels: Ints = np.arange(count)
        self._waiting: list[tuple[Ints, Ints]] = []

    def add(self, i: Ints, j: Ints) -> None:
        """Join rows pair by pair, some time before ``finish``."""
        self._waiting.append((i, j))
        if sum(len(part) for part, _ in self._waiting) > _BATCH:
            self._flush()

    def add_block(self, inside: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> None:
        """Join every row with every column that ``inside``, (n, m) booleans, connects it to.

        In each round a row joins its first column in another component and a column its first row: every component
        with a way out loses one, so few rounds are needed even where all n·m pairs are inside.
        """
        while True:
            labels = torch.from_numpy(self.labels).to(inside.device)
            left, right = labels[rows], labels[columns]
            if int(left.min()) == int(left.max()) == int(right.min()) == int(right.max()):
                return
            apart = inside & (left[:, None] != right)
            out, into = any_true(apart, 1).nonzero().flatten(), any_true(apart, 0).nonzero().flatten()
            if not len(out):
                return
            first_column = first_true(apart[out], 1)
            first_row = first_true(apart[:, into], 0)
            i = torch.cat([rows[out], rows[first_row]])
            j = torch.cat([columns[first_column], columns[into]])
            self._join(i.cpu().numpy(), j.cpu().numpy())

    def finish(self) -> Ints:
        """Return the label of each row."""
        self._flush()
        return self.labels

    def _flush(self) -> None:
        if self._waiting:
            self._join(*(np.concatenate(part) for part in zip(*self._waiting, strict=True)))
            self._waiting = []

    def _join(self, i: Ints, j: Ints) -> None:
        count = len(self.labels)
        edges = coo_matrix((np.ones(len(i), np.int8), (self.labels[i], self.labels[j])), shape=(count, count))
        _, component = connected_components(edges, directed=False)
        # Each node's own number is at most its label, so the first node of a component is its label.
        _, first = np.unique(component, return_index=True)
        self.labels = first[component[self.labels]].astype(np.int64)
