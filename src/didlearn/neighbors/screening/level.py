"""Lower bounds of all distances in a block, from one matrix product.

A ``Level`` looks at coordinates of the rows: a sketch, or all of them in float32 or float64. With the squared norms
appended as two more coordinates the product is the squared distance itself, and with the norms shrunk by the
rounding bound it is a lower bound of it:

    ``[a, -α/2, -1/2] · [b, 1, β]' · (-2) = α + β - 2 a·b``,   ``α = ‖a‖² (1 - γ)``, ``β = ‖b‖² (1 - γ)``.

``γ = (3 K + 16) u`` with ``K`` the longest sum and ``u`` the unit roundoff covers the product in any order of
summation (``K u Σ|terms|``, ``Σ|terms| ≤ 2 (‖a‖² + ‖b‖²)``) and the norms' own rounding.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from typing import Protocol

import torch

from didlearn.neighbors.screening.bounds import Bounds, Room
from didlearn.neighbors.screening.rows import RowIndex, Rows, conversion_error
from didlearn.neighbors.screening.sketch import Components, Sketch
from didlearn.neighbors.screening.threads import all_threads, slices

HELD_COLUMNS = 4096  # columns converted, and kept for the left rows, at once
PRODUCT_COLUMNS = 512  # columns multiplied in one go: the rounding bound grows with it and with how many there are


class Coordinates(Protocol):
    """Coordinates of rows, ``tight`` if all of them, and how far they may lie from the ideal ones."""

    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def tight(self) -> bool: ...  # noqa: D102
    @property
    def dtype(self) -> torch.dtype: ...  # noqa: D102
    @property
    def device(self) -> torch.device: ...  # noqa: D102

    def load(self, index: RowIndex, columns: slice, spare: int) -> torch.Tensor: ...  # noqa: D102
    def error(self, index: RowIndex, norm: torch.Tensor) -> torch.Tensor: ...  # noqa: D102
    def reach(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class Whole:
    """All coordinates of the rows: distances between them are the true ones up to rounding."""

    rows: Rows
    dtype: torch.dtype
    tight = True

    @property
    def width(self) -> int:
        """The dimension D."""
        return self.rows.width

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return self.rows.raw.device

    def load(self, index: RowIndex, columns: slice, spare: int) -> torch.Tensor:
        """Return the centred rows, (n, d + spare)."""
        return self.rows.load(index, columns, self.dtype, spare)

    def error(self, index: RowIndex, norm: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 (a source may know better)
        """Bound the rounding of ``factor · x - centre``, (n,)."""
        return conversion_error(self.dtype, norm)

    def reach(self) -> float:
        """Rows differ by all their distance in all their coordinates."""
        return math.inf


class Level:
    """One way to bound distances, and the memory of how often it was enough."""

    def __init__(self, left: Coordinates, right: Coordinates) -> None:
        self.left, self.right = left, right
        self.spans = slices(0, left.width, HELD_COLUMNS)
        products = sum(len(slices(0, span.stop - span.start, PRODUCT_COLUMNS)) for span in self.spans)
        terms = min(left.width, PRODUCT_COLUMNS) + 2 + products
        self.gamma = (3 * terms + 16) * torch.finfo(left.dtype).eps / 2
        self._panel = slice(0, 0)
        self._held: tuple[torch.Tensor, torch.Tensor] | None = None
        self._furnish()
        self._rest = self._penalty = 0

    def hold(self, panel: slice) -> None:
        """Keep the coordinates of these left rows between blocks."""
        self._panel, self._held = panel, None

    def copied(self) -> Level:
        """Return a level with room of its own to work in."""
        twin = copy(self)
        twin._furnish()
        return twin

    def _furnish(self) -> None:
        self._room, self._turned = (Room(self.left.dtype, self.left.device) for _ in range(2))

    def due(self, limit: torch.Tensor) -> bool:
        """Whether to try this level now.

        Not when rows typically differ by less than the limit in its coordinates, and after failures less and less.
        """
        self._rest = max(0, self._rest - 1)
        return self._rest == 0 and not self.left.reach() < float(limit.median()) < math.inf

    def judge(self, enough: bool) -> None:
        """Remember whether the level was enough for a block."""
        self._penalty = 0 if enough else min(8 * self._penalty + 1, 73)
        self._rest = self._penalty + 1 if self._penalty else 0

    def bounds(self, rows: RowIndex, columns: RowIndex) -> Bounds:
        """Bound the distances between left ``rows`` of the held panel and right ``columns``.

        The result is valid until the next call.
        """
        with all_threads():
            return self._bounds(rows, columns)

    def turned(self, bounds: Bounds) -> Bounds:
        """Return bounds with columns for rows, a copy that is valid until the next call."""
        return bounds.turned(self._turned)

    def _bounds(self, rows: RowIndex, columns: RowIndex) -> Bounds:
        lower, square_i, square_j = torch.empty(0), torch.zeros(()), torch.zeros(())
        for span in self.spans:
            (a, more_i), (b, more_j) = self._left(rows, span), _squared(self.right.load(columns, span, 2))
            square_i, square_j = square_i + more_i, square_j + more_j
            last = span is self.spans[-1]
            if last:
                _append_norms(a, b, square_i * (1 - self.gamma), square_j * (1 - self.gamma))
            if span is self.spans[0]:
                lower = self._room.padded(len(a), len(b))
            for part in slices(0, span.stop - span.start, PRODUCT_COLUMNS):
                begun = span.start + part.start > 0
                stop = part.stop + 2 * (last and part.stop == span.stop - span.start)  # with the norms
                product = a[:, part.start : stop], b[:, part.start : stop].T
                lower[: len(a), : len(b)].addmm_(*product, beta=float(begun), alpha=-2)
        square_i, square_j = square_i.double(), square_j.double()
        error_i = self.left.error(rows, square_i.sqrt())
        error_j = self.right.error(columns, square_j.sqrt())
        doubt = 2.02 * self.gamma
        return Bounds(lower, error_i, error_j, doubt * square_i, doubt * square_j, self.left.tight)

    def _left(self, rows: RowIndex, span: slice) -> tuple[torch.Tensor, torch.Tensor]:
        if len(self.spans) > 1:  # too wide to keep
            return _squared(self.left.load(rows, span, 2))
        if self._held is None:
            self._held = _squared(self.left.load(self._panel, span, 2))
        start = self._panel.start
        local = slice(rows.start - start, rows.stop - start) if isinstance(rows, slice) else rows - start
        return self._held[0][local], self._held[1][local]


def sketch_level(left: Rows, right: Rows, count: int) -> Level:
    """Return a level of ``count`` leading components."""
    components = Components(right, count)
    source = Sketch(right, components)
    return Level(source if left is right else Sketch(left, components), source)


def _squared(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [values[:, part] for part in slices(0, values.shape[1] - 2, PRODUCT_COLUMNS)]
    return values, torch.stack([torch.linalg.vector_norm(part, dim=1).square() for part in parts]).sum(0)


def _append_norms(a: torch.Tensor, b: torch.Tensor, square_i: torch.Tensor, square_j: torch.Tensor) -> None:
    a[:, -2] = square_i * -0.5
    a[:, -1] = -0.5
    b[:, -2] = 1.0
    b[:, -1] = square_j
