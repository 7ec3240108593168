"""TIFF: what the numbers of a file mean, which its tags say and PIL does not always heed."""

from __future__ import annotations

import io

import numpy as np
from PIL.Image import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from didlearn.arrays import Array
from didlearn.errors import DataError

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _FORMAT = 256, 257, 258, 262, 274, 339
_WHITE_IS_ZERO = 0
_FORMATS = {2: "signed whole-number", 3: "floating-point", 4: "undefined", 5: "complex", 6: "complex"}
_WHAT_WOULD_DO = "save them as unsigned 8 or 16 bits, or all of them as one .npy array"


class StoredTiff(TiffImageFile):
    """A TIFF in the grid it is stored in: PIL turns a picture that is marked as rotated while it loads it."""

    def _setup(self) -> None:
        super()._setup()
        self._size = self.tag_v2[_WIDTH], self.tag_v2[_HEIGHT]

    def load_end(self) -> None:
        """Leave the picture as it is."""


def is_signed(image: Image) -> bool:
    """Tell whether a TIFF's values are signed whole numbers."""
    return isinstance(image, TiffImageFile) and 2 in _numbers(image.tag_v2.get(_FORMAT, 1))


def from_least(image: Image) -> Array:
    """Return the signed values (H, W) of a TIFF of 8 or 16 bits as counted from the least there can be, 0.

    PIL gives those of 8 bits as if they were unsigned.
    """
    values = np.asarray(image)
    if values.dtype == np.uint8:
        return values ^ np.uint8(128)
    return values.astype(np.int64) + 32_768


def unread_tiff(data: bytes, where: str) -> DataError | None:
    """Return why a sound TIFF that PIL does not open is not read; ``None`` if it is not sound."""
    try:
        big = data[2:3] == b"+" or data[3:4] == b"+"
        tags = ImageFileDirectory_v2(data[: 16 if big else 8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits = _numbers(tags.get(_BITS, 1))
        kind = _FORMATS.get(max(_numbers(tags.get(_FORMAT, 1))), "unsigned whole-number")
    except Exception:  # noqa: BLE001 (a parser fed hostile bytes may raise anything)
        return None
    if _WIDTH not in tags or _HEIGHT not in tags or not bits:
        return None
    samples = f" in {len(bits)} channels" if len(bits) > 1 else ""
    return DataError(
        f"{where} is a TIFF of {max(bits)}-bit {kind} pixels{samples}, which Pillow does not read: {_WHAT_WOULD_DO}"
    )


def white_is_zero(image: Image) -> bool:
    """Tell whether a TIFF's deep values count from white; PIL turns those of 8 bits itself."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def bits_of(image: Image) -> int:
    """Return how many bits a TIFF's values have; 16 for any other picture, as deep ones of other formats have."""
    return max(_numbers(image.tag_v2.get(_BITS, 16))) if isinstance(image, TiffImageFile) else 16


def white_of(image: Image) -> int:
    """Return the largest value that a TIFF of 9 to 16 bits can hold; that of 16 bits for any other picture."""
    bits = bits_of(image)
    return (1 << bits) - 1 if 8 < bits <= 16 else 65_535


def orientation_of(image: Image) -> int:
    """Return how a TIFF is marked as rotated; 1 is not at all."""
    marks = _numbers(image.tag_v2.get(_ORIENTATION, 1)) if isinstance(image, TiffImageFile) else ()
    return marks[0] if marks else 1


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
