"""Bounds from products of 8-bit integers, which are exact and, where the machine has them, several times faster.

The bytes of two pictures, or the fractions made of them, are shifted to -128..127, which leaves distances as they are.
Other rows are rounded to ``s q``, ``q`` within ±127 and ``s`` one scale to a row, or to two such integers, and the norm
of what rounding takes off is known: the triangle inequality makes it an error of the coordinates.

``‖s q - t r‖² = s² ‖q‖² + t² ‖r‖² - 2 s t q·r`` with ``q·r`` an exact integer; the float32 steps after it round by no
more than ``γ (s² ‖q‖² + t² ‖r‖²)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from didlearn.neighbors.screening.bounds import Bounds, Minima, Room
from didlearn.neighbors.screening.integers.byte_form import FINER
from didlearn.neighbors.screening.level import Level, Whole
from didlearn.neighbors.screening.rows import RowIndex, Rows, spread_rows
from didlearn.neighbors.screening.threads import slices

_NARROWEST = 16  # a few coordinates are no work to save, and torch._int_mm is wrong of a single one
_WIDEST = 130_000  # sums of so many products of 8-bit numbers stay within 32 bits
_PIECE = 256  # rows whose products stay in a core's cache until they are bounds
_FORETOLD = 256  # rows of either side whose distances tell how many pairs rounding leaves open
_OPEN = 0.005  # of pairs: of more the distances are sooner found from all there is
_UNIT = 2.0**-24
_GAMMA = 16 * _UNIT  # each of at most eight float32 steps rounds by a unit
_FINE_GAMMA = 48 * _UNIT  # each of at most fifteen, of terms that add up to twice the squares of both integers


def are_bytes(left: Rows, right: Rows) -> bool:
    """Return whether both sets are bytes, or were made of bytes, so that nothing to speak of is rounded."""
    return left.byte_unit is not None and left.byte_unit == right.byte_unit


def fits(left: Rows, right: Rows, together: int = 1) -> bool:
    """Return whether products of so many numbers are worth it, and sums of ``together`` of them cannot overflow."""
    return left.width >= _NARROWEST and together * max(left.width, right.width) <= _WIDEST


@dataclass(frozen=True)
class Integers:
    """Rows as 8-bit integers ``q``, (n, D), ``scale`` (n,), squared norms of ``scale q``, and errors, (n,) float64."""

    q: torch.Tensor
    scale: torch.Tensor
    square: torch.Tensor
    error: torch.Tensor

    def __getitem__(self, index: RowIndex) -> Integers:
        return Integers(self.q[index], self.scale[index], self.square[index], self.error[index])


class EightBit(Level):
    """All coordinates, as 8-bit integers."""

    def __init__(self, left: Rows, right: Rows) -> None:
        super().__init__(Whole(left, torch.float32), Whole(right, torch.float32))
        self.exact = are_bytes(left, right)
        self.rows = left, right
        # By all threads, and before several of them ask.
        _ = [side.form.squares if self.exact else side.rounded.kept for side in self.rows]
        self._integers: Integers | None = None
        self._foretold = None if self.exact else self._some_distances()

    def hold(self, panel: slice) -> None:
        """Keep the integers of these left rows between blocks."""
        super().hold(panel)
        self._integers = None

    def due(self, limit: torch.Tensor) -> bool:
        """Whether to try this level now: not where what is rounded off leaves too many pairs open, by a few of them."""
        if not super().due(limit):
            return False
        return self._foretold is None or float((self._foretold <= limit.median()).double().mean()) <= _OPEN

    def _some_distances(self) -> torch.Tensor:
        """Return distances of a few pairs, less what rounding leaves open of each."""
        chosen = [side.rounded.of(spread_rows(len(side), _FORETOLD)) for side in self.rows]
        (x, e), (y, f) = ((one.scale[:, None].float() * one.q, one.error) for one in chosen)
        distance = torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist") - e[:, None] - f
        return distance.fill_diagonal_(torch.inf) if self.rows[0] is self.rows[1] else distance

    def _bounds(self, rows: RowIndex, columns: RowIndex) -> Bounds:
        a, b = self._left_rows(rows), self._of(self.rows[1], columns)
        lower = self._room.padded(len(a.q), len(b.q))
        minima = Minima(lower)
        twice = (b.scale * -2).float()
        own, other = ((1 - _GAMMA) * a.square).float()[:, None], ((1 - _GAMMA) * b.square).float()
        scale = a.scale.float()[:, None]
        for piece in slices(0, len(a.q), _PIECE):
            product = self._products.take(piece.stop - piece.start, len(b.q))
            within = lower[piece, : len(b.q)]
            within.copy_(torch._int_mm(a.q[piece], b.q.T, out=product)).mul_(twice).mul_(scale[piece])
            within.add_(own[piece]).add_(other)
            minima.see(piece.start, piece.stop)
        doubt = 2.02 * _GAMMA
        doubts = doubt * a.square, doubt * b.square
        return Bounds(lower, a.error, b.error, *doubts, self.exact, *minima.within(len(a.q), len(b.q)))

    def _furnish(self) -> None:
        super()._furnish()
        self._products = Room(torch.int32, self.left.device)

    def _left_rows(self, rows: RowIndex) -> Integers:
        if self._integers is None:
            self._integers = self._of(self.rows[0], self._panel)
        start = self._panel.start
        return self._integers[slice(rows.start - start, rows.stop - start) if isinstance(rows, slice) else rows - start]

    def _of(self, rows: Rows, index: RowIndex) -> Integers:
        if self.exact and rows.byte_unit is not None:
            form, unit = rows.form, rows.byte_unit
            q, square = form.shifted(index), form.squares[index] * unit**2
            return Integers(q, torch.full_like(square, unit), square, torch.full_like(square, form.error() * unit))
        rounded = rows.rounded.of(index)
        return Integers(rounded.q, rounded.scale, rounded.square, rounded.error)


class SixteenBit(Level):
    """All coordinates, as two 8-bit integers: as good as float32, by four products that are several times faster.

    ``x = s (q + r/254)`` and ``y = t (u + v/254)`` have ``x·y = s t (q·u + (q·v + r·u)/254 + r·v/254²)``.
    """

    def __init__(self, left: Rows, right: Rows) -> None:
        super().__init__(Whole(left, torch.float32), Whole(right, torch.float32))
        self.rows = left, right
        _ = left.rounded.kept, right.rounded.kept

    def _bounds(self, rows: RowIndex, columns: RowIndex) -> Bounds:
        a, b = (side.rounded.of(index) for side, index in zip(self.rows, (rows, columns), strict=True))
        lower = self._room.padded(len(a.q), len(b.q))
        doubt_a, doubt_b = (_FINE_GAMMA * (one.square + (one.error + one.fine_error).square()) for one in (a, b))
        own, other = (a.fine_square - doubt_a).float()[:, None], (b.fine_square - doubt_b).float()
        twice, scale = (b.scale * -2).float(), a.scale.float()[:, None]
        minima = Minima(lower)
        for piece in slices(0, len(a.q), _PIECE):
            within = lower[piece, : len(b.q)]
            first, second = (room.take(*within.shape) for room in self._products)
            single = self._singles.take(*within.shape)  # sums of both types take thrice as long as a copy before them
            within.copy_(torch._int_mm(a.q[piece], b.q.T, out=first))
            torch._int_mm(a.q[piece], b.r.T, out=first)
            first.add_(torch._int_mm(a.r[piece], b.q.T, out=second))
            within.add_(single.copy_(first), alpha=1 / FINER)
            within.add_(single.copy_(torch._int_mm(a.r[piece], b.r.T, out=first)), alpha=1 / FINER**2)
            within.mul_(twice).mul_(scale[piece]).add_(own[piece]).add_(other)
            minima.see(piece.start, piece.stop)
        doubts = 2.02 * doubt_a, 2.02 * doubt_b
        return Bounds(lower, a.fine_error, b.fine_error, *doubts, True, *minima.within(len(a.q), len(b.q)))

    def _furnish(self) -> None:
        super()._furnish()
        self._products = Room(torch.int32, self.left.device), Room(torch.int32, self.left.device)
        self._singles = Room(torch.float32, self.left.device)
