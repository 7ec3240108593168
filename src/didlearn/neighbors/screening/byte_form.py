"""Values that are bytes, or were made of bytes, as 8-bit integers and their squared norms: found once, and kept."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import torch

from didlearn.arrays import BytePoints
from didlearn.neighbors.screening.threads import share, slices

BYTE_ERROR: Final = 2.0**-14  # of a unit, at most so much of each value: twice what is allowed, for its own rounding
_ALLOWED = 2.0**-15  # float32 rounds b/255, and 255 times that, by 2^-24 of it each
_MOST_KEPT = 1 << 30  # bytes
_PIECE = 256  # rows looked at together
_SUMMED = 512  # squares of bytes minus 128 whose sum is exact in float32

Index = slice | torch.Tensor


class ByteForm:
    """What rows of bytes need in 8 bits.

    Args:
        raw: (N, D) as given: uint8, or numbers that may have been made of bytes: b or b/255.
    """

    def __init__(self, raw: torch.Tensor) -> None:
        self.raw = raw
        self._kept: torch.Tensor | None = None

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

        def fits(place: slice) -> bool:
            block = self.raw[place] * steps
            whole = block.round()
            if kept is not None:  # of others it is nothing, and thrown away
                kept[place] = _shifted(whole)
            low, high = whole.aminmax()
            return (
                bool(block.sub_(whole).abs_().amax() <= _ALLOWED) and bool(low >= 0) and bool(high <= BytePoints.unit)
            )

        first, *rest = slices(0, len(self.raw), _PIECE) or [slice(0, 0)]
        if not len(self.raw) or not fits(first) or not all(share(fits, rest)):
            return False
        self._kept = kept
        return True

    def shifted(self, index: Index) -> torch.Tensor:
        """Return the bytes of some rows minus 128, (n, D) int8."""
        if self.raw.dtype == torch.uint8:
            return self.raw[index].bitwise_xor(128).view(torch.int8)
        assert self.steps is not None, "of bytes alone"
        return _shifted((self.raw[index] * self.steps).round_()) if self._kept is None else self._kept[index]

    @cached_property
    def squares(self) -> torch.Tensor:
        """Squared norms of those, (N,) float64."""
        parts = share(lambda place: exact_squares(self.shifted(place)), slices(0, len(self.raw), _PIECE))
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.float64, device=self.raw.device)

    def error(self) -> float:
        """Return how far the values of a row may lie from its bytes, as a distance, in steps."""
        return 0.0 if self.raw.dtype == torch.uint8 else BYTE_ERROR * math.sqrt(self.raw.shape[1])


def exact_squares(q: torch.Tensor) -> torch.Tensor:
    """Return Σq² of each row of int8, exact, float64: whole numbers below 2^24 are exact in float32."""
    parts = [torch.linalg.vecdot(part, part).double() for part in q.float().split(_SUMMED, dim=1)]
    return torch.stack(parts).sum(0)


def _shifted(whole: torch.Tensor) -> torch.Tensor:
    return whole.to(torch.uint8).bitwise_xor_(128).view(torch.int8)
