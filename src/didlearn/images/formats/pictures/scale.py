"""Pictures that use a small part of the values that their files can hold: they are read, and come out black."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from didlearn.images.formats.arrays import BINARY_NOTE
from didlearn.images.formats.decoding import deep_values, is_deep, open_picture
from didlearn.images.formats.pictures.tiff import is_signed

LOOKED_AT = 500
_BYTE = 255
_SIXTEEN_BITS = 65_535


class Brightest(NamedTuple):
    """The largest value stored in a picture, or in several, and what white is stored as."""

    value: int
    white: int


def brightest(data: bytes, where: str) -> Brightest | None:
    """Return the largest value a picture stores; ``None`` where values are colours of a palette, bits or floats.

    Raises:
        DataError: the picture cannot be read.
    """
    image = open_picture(data, where)
    deep_colour = any(";16" in str(tile.args) for tile in image.tile) and not is_deep(image)
    if is_signed(image) or (not is_deep(image) and image.mode not in ("L", "RGB")):
        return None
    try:
        image.load()
    except Exception:  # noqa: BLE001 (whoever reads it for its pixels says so)
        return None
    if is_deep(image):
        values, white = deep_values(image)
        return Brightest(int(values.max()), white)
    largest = int(np.asarray(image).max())
    # Of 16-bit colour, the high byte is there.
    return Brightest(largest << 8 | _BYTE, _SIXTEEN_BITS) if deep_colour else Brightest(largest, _BYTE)


def least_white(found: Iterable[Brightest | None]) -> Brightest | None:
    """Return the largest value of a set whose pictures all use a small part of their range, ``None`` of any other set.

    Args:
        found: what ``brightest`` says of some of them; no more are looked at than decide it.
    """
    most: Brightest | None = None
    for one in found:
        if one is None or _fills(one) or (most is not None and most.white != one.white):
            return None
        most = one if most is None else max(most, one)
    return None if most is None or most.value == 0 else most


def scale_note(most: Brightest) -> str:
    """Say what such pictures are read as."""
    if most.white == _BYTE:
        return BINARY_NOTE
    bits = max(8, most.value.bit_length())
    full = (1 << bits) - 1
    return (
        f"no 16-bit picture looked at has a value above {most.value}, of {most.white}: if these are {bits}-bit values, "
        f"they are read {most.white // full} times too dark; multiply them by {most.white} / {full} and save them again"
    )


def _fills(one: Brightest) -> bool:
    return one.value > (1 if one.white == _BYTE else one.white >> 1)
