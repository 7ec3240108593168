"""Bounds from products of 8-bit integers, which are exact and, where the machine has them, several times faster.

The bytes of two pictures, or the fractions made of them, are shifted to -128..127, which leaves distances as they are.
Other rows are rounded to ``s q``, ``q`` within ±127 and ``s`` one scale to a row, and the norm of what rounding takes
off is known: the triangle inequality makes it an error of the coordinates.

``‖s q - t r‖² = s² ‖q‖² + t² ‖r‖² - 2 s t q·r`` with ``q·r`` an exact integer; the float32 steps after it round by no
more than ``γ (s² ‖q‖² + t² ‖r‖²)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from didlearn.neighbors.screening.bounds import Bounds, Room
from didlearn.neighbors.screening.byte_form import exact_squares
from didlearn.neighbors.screening.level import Level, Whole
from didlearn.neighbors.screening.rows import TINY, RowIndex, Rows
from didlearn.neighbors.screening.threads import slices

_NARROWEST = 16  # a few coordinates are no work to save, and torch._int_mm is wrong of a single one
_WIDEST = 100_000  # sums of so many products of 8-bit numbers stay within 32 bits
_LARGEST = 127
_PIECE = 256  # rows whose products stay in a core's cache until they are bounds
_UNIT = 2.0**-24
_GAMMA = 16 * _UNIT  # each of at most eight float32 steps rounds by a unit


def are_bytes(left: Rows, right: Rows) -> bool:
    """Return whether both sets are bytes, or were made of bytes, so that nothing to speak of is rounded."""
    return left.byte_unit is not None and left.byte_unit == right.byte_unit


def fits(left: Rows, right: Rows) -> bool:
    """Return whether products of so many numbers are worth it, and cannot overflow."""
    return left.width >= _NARROWEST and max(left.width, right.width) <= _WIDEST


@dataclass(frozen=True)
class Rounded:
    """Rows as 8-bit integers ``q``, (n, D), ``scale`` (n,), squared norms of ``scale q``, and errors, (n,) float64."""

    q: torch.Tensor
    scale: torch.Tensor
    square: torch.Tensor
    error: torch.Tensor

    def __getitem__(self, index: RowIndex) -> Rounded:
        return Rounded(self.q[index], self.scale[index], self.square[index], self.error[index])


class EightBit(Level):
    """All coordinates, as 8-bit integers."""

    def __init__(self, left: Rows, right: Rows) -> None:
        super().__init__(Whole(left, torch.float32), Whole(right, torch.float32))
        self.exact = are_bytes(left, right)
        self.rows = left, right
        if self.exact:  # by all threads, and before several of them ask
            _ = left.form.squares, right.form.squares
        self._rounded: Rounded | None = None

    def hold(self, panel: slice) -> None:
        """Keep the integers of these left rows between blocks."""
        super().hold(panel)
        self._rounded = None

    def _bounds(self, rows: RowIndex, columns: RowIndex) -> Bounds:
        a, b = self._left_rows(rows), self._round(self.rows[1], columns)
        lower = self._room.padded(len(a.q), len(b.q))
        twice = (b.scale * -2).float()
        own, other = ((1 - _GAMMA) * a.square).float()[:, None], ((1 - _GAMMA) * b.square).float()
        scale = a.scale.float()[:, None]
        for piece in slices(0, len(a.q), _PIECE):
            product = self._products.take(piece.stop - piece.start, len(b.q))
            within = lower[piece, : len(b.q)]
            within.copy_(torch._int_mm(a.q[piece], b.q.T, out=product)).mul_(twice).mul_(scale[piece])
            within.add_(own[piece]).add_(other)
        doubt = 2.02 * _GAMMA
        return Bounds(lower, len(b.q), a.error, b.error, doubt * a.square, doubt * b.square, self.exact)

    def _furnish(self) -> None:
        super()._furnish()
        self._products = Room(torch.int32, self.left.device)

    def _left_rows(self, rows: RowIndex) -> Rounded:
        if self._rounded is None:
            self._rounded = self._round(self.rows[0], self._panel)
        start = self._panel.start
        return self._rounded[slice(rows.start - start, rows.stop - start) if isinstance(rows, slice) else rows - start]

    def _round(self, rows: Rows, index: RowIndex) -> Rounded:
        if self.exact and rows.byte_unit is not None:
            form, unit = rows.form, rows.byte_unit
            q, square = form.shifted(index), form.squares[index] * unit**2
            return Rounded(q, torch.full_like(square, unit), square, torch.full_like(square, form.error() * unit))
        z = rows.load(index, slice(0, rows.width), torch.float32)
        scale = z.abs().amax(1).clamp_(min=math.sqrt(TINY)).div_(_LARGEST)
        rounded = (z / scale[:, None]).round_().clamp_(-_LARGEST, _LARGEST)
        q = rounded.to(torch.int8)
        off = torch.linalg.vector_norm(z - rounded.mul_(scale[:, None]), dim=1)
        norm = torch.linalg.vector_norm(z, dim=1).double()
        # The norms above round by a millionth at most of thousands of terms, and so do the differences.
        slack = (rows.width + 8) * _UNIT
        error = off.double() * (1 + slack) + 4 * _UNIT * norm + self.left.error(index, norm)
        scale = scale.double()
        square = exact_squares(q) * scale.square()
        return Rounded(q, scale, square, error)
