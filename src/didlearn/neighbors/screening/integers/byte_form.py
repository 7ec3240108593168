"""Values as 8-bit integers and their squared norms, found once and kept: bytes as they are, others rounded to two."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import torch

from didlearn.arrays import BytePoints
from didlearn.neighbors.screening.threads import share, slices

BYTE_ERROR: Final = 2.0**-14  # of a unit, at most so much of each value: twice what is allowed, for its own rounding
_ALLOWED = 2.0**-15  # float32 rounds b/255, and 255 times that, by 2^-24 of it each
_MOST_KEPT = 1 << 30  # bytes
_PIECE = 256  # rows looked at together
_ROUNDED = (
    256  # rows rounded together: fewer stay in a core's cache, and more keep threads from waiting for one another
)
_SUMMED = 512  # squares of bytes minus 128 whose sum is exact in float32

_MIDDLE = 128  # taken off bytes
_LARGEST = 127
FINER: Final = 2 * _LARGEST  # steps of the second integer to one of the first
_UNIT = 2.0**-24
_SMALLEST = 2.0**-50  # of the largest value of a row, in scaled units: below it all is rounded to nothing

Index = slice | torch.Tensor


class ByteForm:
    """What rows of bytes need in 8 bits.

    Args:
        raw: (N, D) as given: uint8, or numbers that may have been made of bytes: b or b/255.
    """

    def __init__(self, raw: torch.Tensor) -> None:
        self.raw = raw
        self._kept: torch.Tensor | None = None
        self._squares: torch.Tensor | None = None

    @cached_property
    def steps(self) -> int | None:
        """How many steps there are to a unit of the values: 1 or 255; ``None`` where they are no such multiples."""
        if self.raw.dtype == torch.uint8:
            return 1
        return next((steps for steps in (1, BytePoints.unit) if self._are_multiples(steps)), None)

    def _are_multiples(self, steps: int) -> bool:
        small = 0 < self.raw.numel() <= _MOST_KEPT
        with torch.inference_mode(mode=False):  # other threads write to it
            kept = torch.empty(self.raw.shape, dtype=torch.int8, device=self.raw.device) if small else None
            squares = torch.empty(len(self.raw), dtype=torch.float64, device=self.raw.device) if small else None

        def fits(place: slice) -> bool:
            block = self.raw[place] * steps
            whole = block.round()
            off = block.sub_(whole).aminmax()
            low, high = whole.sub_(_MIDDLE).aminmax()
            if not (float(off.min) >= -_ALLOWED and float(off.max) <= _ALLOWED):
                return False
            if not (float(low) >= -_MIDDLE and float(high) < _MIDDLE):
                return False
            if kept is not None and squares is not None:  # while it is at hand
                kept[place] = whole
                squares[place] = exact_products(whole, whole)
            return True

        first, *rest = slices(0, len(self.raw), _PIECE) or [slice(0, 0)]
        if not len(self.raw) or not fits(first) or not all(share(fits, rest)):
            return False
        self._kept, self._squares = kept, squares
        return True

    def shifted(self, index: Index) -> torch.Tensor:
        """Return the bytes of some rows minus 128, (n, D) int8."""
        if self.raw.dtype == torch.uint8:
            return self.raw[index].bitwise_xor(128).view(torch.int8)
        assert self.steps is not None, "of bytes alone"
        if self._kept is not None:
            return self._kept[index]
        return (self.raw[index] * self.steps).round_().sub_(_MIDDLE).to(torch.int8)

    @cached_property
    def squares(self) -> torch.Tensor:
        """Squared norms of those, (N,) float64."""
        if self.steps is not None and self._squares is not None:
            return self._squares
        parts = share(lambda place: exact_squares(self.shifted(place)), slices(0, len(self.raw), _PIECE))
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.float64, device=self.raw.device)

    def error(self) -> float:
        """Return how far the values of a row may lie from its bytes, as a distance, in steps."""
        return 0.0 if self.raw.dtype == torch.uint8 else BYTE_ERROR * math.sqrt(self.raw.shape[1])


@dataclass(frozen=True)
class Rounded:
    """Rows ``s (q + r/254)`` and what they leave out, float64 where nothing else is said.

    Attributes:
        q, r: (n, D) int8. scale: (n,) s, one to a row.
        square: (n,) ``‖s q‖²``, and error: (n,) how far ``s q`` lies from the row.
        fine_square, fine_error: (n,) likewise of both integers.
    """

    q: torch.Tensor
    r: torch.Tensor
    scale: torch.Tensor
    square: torch.Tensor
    error: torch.Tensor
    fine_square: torch.Tensor
    fine_error: torch.Tensor

    def __getitem__(self, index: Index) -> Rounded:
        return Rounded(*(getattr(self, field.name)[index] for field in fields(self)))


class Rounding:
    """Rows rounded to two 8-bit integers a value.

    Args:
        load: returns the rows of some places, (n, D) float32. error: bounds how far these lie from the true ones,
            given their norms. count: how many rows there are. width: D. device: where they are.
    """

    def __init__(
        self,
        load: Callable[[Index], torch.Tensor],
        error: Callable[[torch.Tensor], torch.Tensor],
        count: int,
        width: int,
        device: torch.device,
    ) -> None:
        self.load, self.error = load, error
        self.count, self.width, self.device = count, width, device

    def of(self, index: Index) -> Rounded:
        """Return some rows rounded."""
        return self._round(index) if self.kept is None else self.kept[index]

    @cached_property
    def kept(self) -> Rounded | None:
        """All rows rounded; ``None`` of more than should be kept."""
        if 2 * self.count * self.width > _MOST_KEPT:
            return None
        with torch.inference_mode(mode=False):  # other threads write to it
            integers = [torch.empty(self.count, self.width, dtype=torch.int8, device=self.device) for _ in range(2)]
            numbers = [torch.empty(self.count, dtype=torch.float64, device=self.device) for _ in range(5)]
        kept = Rounded(*integers, *numbers)

        def fill(place: slice) -> None:
            some = self._round(place)
            for field in fields(kept):
                getattr(kept, field.name)[place] = getattr(some, field.name)

        share(fill, slices(0, self.count, _ROUNDED))
        return kept

    def _round(self, index: Index) -> Rounded:
        z = self.load(index)
        scale = torch.linalg.vector_norm(z, torch.inf, dim=1).clamp_(min=_SMALLEST).div_(_LARGEST)[:, None]
        norm = torch.linalg.vector_norm(z, dim=1).double()
        steps = z.div_(scale)  # within ±127 but for their last bit: so are whole ones
        q = steps.round()
        off = torch.linalg.vector_norm(steps.sub_(q), dim=1)
        r = steps.mul_(FINER).round()  # no more than half a step, so within ±127 too
        fine_off = torch.linalg.vector_norm(steps.sub_(r), dim=1) / FINER
        first, second, both = exact_products(q, q), exact_products(r, r), exact_products(q, r)
        s = scale[:, 0].double()
        whole = first + 2 * both / FINER + second / FINER**2
        error, fine_error = (self._left(s * left.double(), norm) for left in (off, fine_off))
        return Rounded(q.to(torch.int8), r.to(torch.int8), s, first * s**2, error, whole * s**2, fine_error)

    def _left(self, off: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
        # Steps round by a unit of themselves, twice; what is left of them is exact, and its norm rounds by its terms.
        return off * (1 + (self.width + 8) * _UNIT) + 8 * _UNIT * norm + self.error(norm)


def exact_squares(q: torch.Tensor) -> torch.Tensor:
    """Return Σq² of each row of int8, exact, float64."""
    return exact_products(q, q)


def exact_products(q: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
    """Return Σqr of each row of whole numbers within ±128, exact, float64: below 2^24 they are exact in float32."""
    product = q.float() * r.float()
    even = product.shape[1] // _SUMMED * _SUMMED
    sums = product[:, :even].unflatten(1, (-1, _SUMMED)).sum(-1).double().sum(1)
    return sums + product[:, even:].sum(1)
