"""Which levels to try on two sets of rows, cheapest first."""

from __future__ import annotations

import torch

from didlearn.neighbors.screening.eight_bit import EightBit, are_bytes, fits
from didlearn.neighbors.screening.level import Level, Whole, sketch_level
from didlearn.neighbors.screening.products import eight_bit_pays
from didlearn.neighbors.screening.rows import Rows

SKETCHES = (32, 192)  # leading components tried, while they are less than a quarter of the width
BESIDE_BYTES = (32,)  # and where the whole product is of bytes, and cheaper than that of more of them
SKETCHED_FROM = 1024  # fewer rows than this are not worth a sketch where the closest pairs of all are sought,
SOUGHT_FROM = 4096  # fewer than this where each row seeks its own,
MET_FROM = 16384  # and fewer than this where every pair is met once for both of its rows


def sketched(left: Rows, right: Rows, fewest: int, beside_bytes: tuple[int, ...] = BESIDE_BYTES) -> list[Level]:
    """Return the levels that rule pairs out: leading components, of ``fewest`` rows or more, and rounded coordinates.

    Products of 8-bit numbers are tried where they are fast; of pictures they are exact, see ``whole``, and so cheap
    that only ``beside_bytes`` components are tried before them.
    """
    eight = _in_eight_bits(left, right)
    exact = eight and are_bytes(left, right)
    counts = [m for m in (beside_bytes if exact else SKETCHES) if 4 * m <= right.width and len(right) >= fewest]
    levels = [sketch_level(left, right, count) for count in counts]
    return [*levels, EightBit(left, right)] if eight and not exact else levels


def whole(left: Rows, right: Rows) -> tuple[Level, Level]:
    """Return the levels of all coordinates: in float32, or of bytes in 8 bits where that is faster, and in float64."""
    single, double = (Level(Whole(left, dtype), Whole(right, dtype)) for dtype in (torch.float32, torch.float64))
    if _in_eight_bits(left, right) and are_bytes(left, right):
        single = EightBit(left, right)
    return single, double


def _in_eight_bits(left: Rows, right: Rows) -> bool:
    return fits(left, right) and eight_bit_pays(left.raw.device.type)
