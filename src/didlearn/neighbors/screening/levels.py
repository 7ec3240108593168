"""Which levels to try on two sets of rows, cheapest first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from threading import Lock

import torch

from didlearn.neighbors.screening.integers.eight_bit import EightBit, SixteenBit, are_bytes, fits
from didlearn.neighbors.screening.integers.products import eight_bit_pays
from didlearn.neighbors.screening.level import Level, Whole, sketch_level
from didlearn.neighbors.screening.rows import Rows

SKETCHES = (32, 192)  # leading components tried, while they are less than a quarter of the width
BESIDE_BYTES = (32,)  # and where the whole product is of bytes, and cheaper than that of more of them
SKETCHED_FROM = 1024  # fewer rows than this are not worth a sketch where the closest pairs of all are sought,
SOUGHT_FROM = 4096  # fewer than this where each row seeks its own,
ROUNDED_FROM = 2048  # fewer are multiplied in float32 before they are rounded
MET_FROM = 16384  # and fewer than this where every pair is met once for both of its rows


def sketched(left: Rows, right: Rows, fewest: int, beside_bytes: tuple[int, ...] = BESIDE_BYTES) -> Iterator[Level]:
    """Yield the levels that rule pairs out: leading components, of ``fewest`` rows or more, and rounded coordinates.

    Products of 8-bit numbers are tried where they are fast; of pictures they are exact, see ``whole``, and so cheap
    that only ``beside_bytes`` components are tried before them. Whether rows are bytes takes a look at all of them, so
    what is tried either way comes first.
    """
    eight = _in_eight_bits(left, right)
    for count in SKETCHES if len(right) >= fewest else ():
        if 4 * count <= right.width and (count in beside_bytes or not (eight and are_bytes(left, right))):
            yield sketch_level(left, right, count)
    if eight and not are_bytes(left, right):
        yield EightBit(left, right)


def whole(left: Rows, right: Rows) -> tuple[Level, Level]:
    """Return the levels of all coordinates: in float32, or in 8-bit integers where these are faster, and in float64."""
    single, double = (Level(Whole(left, dtype), Whole(right, dtype)) for dtype in (torch.float32, torch.float64))
    if _in_eight_bits(left, right):
        if are_bytes(left, right):
            single = EightBit(left, right)
        elif len(right) >= ROUNDED_FROM and fits(left, right, together=2):
            single = SixteenBit(left, right)
    return single, double


def _in_eight_bits(left: Rows, right: Rows) -> bool:
    return fits(left, right) and eight_bit_pays(left.raw.device.type)


class Ladder:
    """The levels of two sets of rows, cheapest first, each made when it is first asked for.

    Args:
        left, right: the rows. fewest: fewer of them are not sketched.
    """

    def __init__(self, left: Rows, right: Rows, fewest: int) -> None:
        self.left, self.right = left, right
        self._more = sketched(left, right, fewest)
        self._made: list[Level] = []
        self._lock = Lock()

    def step(self, number: int) -> Level | None:
        """Return one of the levels that rule pairs out, ``None`` beyond the last."""
        with self._lock:
            while number >= len(self._made):
                level = next(self._more, None)
                if level is None:
                    return None
                self._made.append(level)
            return self._made[number]

    def top(self) -> tuple[Level, Level]:
        """Return the levels of all coordinates."""
        with self._lock:
            return self._top

    @cached_property
    def _top(self) -> tuple[Level, Level]:
        return whole(self.left, self.right)
