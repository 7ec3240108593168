"""Arrays of pixels: their layout found, their range checked, their images given as (n, C, H, W)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from didlearn.arrays import Array, Bytes, Ints, Pixels
from didlearn.errors import DataError, NotFiniteError
from didlearn.images.base import Images
from didlearn.images.classes import Labels

CHECKED_WHOLE = 2 * 2**30  # bytes
CHECKED_SAMPLE = 4096  # images of an array larger than that
CHECKED_BYTES = 32 * 2**20  # bytes
CHECKED_APART = 256  # images far apart in a file: half a megabyte around each may be mapped
BINARY_NOTE = "all pixels are 0 or 1 and were read as black and white"
_ALIKE = "save them all from 0 to 255"
_OVERSHOOT = 0.1  # beyond [0, 1]: pixels on another scale go further
_SLACK = 1e-5  # rounding of float32 arithmetic such as (x + 1) / 2


class Stack(Protocol):
    """An array by its first axis: in memory, on disk, or in many files."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return its shape."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Return the type of its numbers."""

    @property
    def nbytes(self) -> int:
        """Return how many bytes it has."""

    def __len__(self) -> int:
        """Return the length of its first axis."""

    def __getitem__(self, places: slice | Ints, /) -> Array:
        """Return what stands at some places of the first axis."""


def open_array(array: Stack, labels: Labels, name: str, *, channels_first: bool = False) -> Images:
    """Return an array of images as ``Images``, without copying it.

    Args:
        array: (N, H, W), (N, H, W, C) or (N, C, H, W) with C = 1 or 3; uint8, bool, whole numbers from 0 to 255, or
            floats in [0, 1].
        labels: their classes.
        name: what to call the set, also in errors.
        channels_first: which layout a shape that could be either is taken for.

    Raises:
        DataError: the shape is no stack of images, or the values are outside their range.
    """
    if array.dtype.kind not in "uibf":
        raise DataError(
            f"{name}: pixels of type {array.dtype} are not read: give uint8, or floats in [0, 1]; arrays of Python "
            "objects are pickled, and unpickling a file would run its code"
        )
    axes, note = _layout(array.shape, name, channels_first)
    binary = _check_values(array, name)
    shape = (1 if axes[1] == -1 else array.shape[axes[1]], array.shape[axes[2]], array.shape[axes[3]])
    reader = ArrayReader(array, axes, name, binary)
    notes = labels.notes + note + ((BINARY_NOTE,) if binary else ())
    return Images(reader, shape, name, labels.values, labels.classes, notes=notes)


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """Gives the images of an array in memory or on disk.

    Attributes:
        array: as it came. axes: where the axes N, C, H, W are in it; -1 for a missing C. name: for errors.
        binary: whether 1 is white.
    """

    array: Stack
    axes: tuple[int, int, int, int]
    name: str
    binary: bool = False

    def __len__(self) -> int:
        return len(self.array)

    def read(self, indices: Sequence[int]) -> Pixels:
        """Return the images at ``indices`` as (n, C, H, W), uint8 or float32 in [0, 1].

        Raises:
            DataError: values outside their range.
        """
        batch = np.asarray(self.array[np.asarray(indices, dtype=np.int64)])
        let_go(self.array)
        if self.binary:
            batch = white_at_one(batch, self.name)
        return np.ascontiguousarray(to_pixels(self._channels_first(batch), self.name))

    def _channels_first(self, batch: Array) -> Array:
        return batch[:, None] if self.axes[1] == -1 else batch.transpose(self.axes)


def white_at_one(batch: Array, name: str) -> Bytes:
    """Return whole numbers 0 and 1 as black and white.

    Raises:
        DataError: other values among them.
    """
    if batch.size and (batch.min() < 0 or batch.max() > 1):
        raise DataError(f"{name} has pixels of 0 and 1 alone in some images and of {batch.max()} in others: {_ALIKE}")
    return batch.astype(np.uint8) * np.uint8(255)


def to_pixels(batch: Array, name: str) -> Pixels:
    """Return images of any real type as uint8 or as float32 in [0, 1].

    Raises:
        DataError: NaN, or values outside their range.
    """
    if batch.dtype == np.uint8:
        return batch
    if batch.dtype == np.bool_:
        return batch.astype(np.uint8) * np.uint8(255)
    if batch.size:
        _check_range(float(batch.min()), float(batch.max()), batch.dtype, name)
    if batch.dtype.kind in "ui":
        return batch.astype(np.uint8)
    return np.clip(batch.astype(np.float32), 0, 1)


def _check_range(low: float, high: float, dtype: np.dtype[np.generic], name: str) -> None:
    """Refuse pixel values that are not in [0, 1] (floats) or 0 to 255 (whole numbers).

    Raises:
        DataError: they are not; the sentence says how to rescale them.
    """
    if not np.isfinite([low, high]).all():
        raise NotFiniteError(f"{name} has pixels that are NaN or infinite: mend or leave out those images")
    if dtype.kind in "ui":
        if low < 0 or high > 255:
            raise DataError(f"{name} has whole-number pixels from {low:.0f} to {high:.0f}: give uint8 from 0 to 255")
    elif low < -_SLACK or high > 1 + _SLACK:
        raise DataError(
            f"{name} has floating-point pixels from {low:.6g} to {high:.6g}, not in [0, 1]: {_remedy(low, high)}"
        )


def _remedy(low: float, high: float) -> str:
    if low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT:
        return "if they leave [0, 1] a little, as a decoder without a last squashing does, save x.clip(0, 1)"
    if -1 - _SLACK <= low < 0 and high <= 1 + _SLACK:
        return "if they span [-1, 1], save (x + 1) / 2"
    if low >= 0 and high <= 255:
        return "if they span [0, 255], save x / 255, or x as uint8"
    return f"undo the normalisation, or save (x - {low:.6g}) / {high - low:.6g}"


def _layout(
    shape: tuple[int, ...], name: str, channels_first: bool
) -> tuple[tuple[int, int, int, int], tuple[str, ...]]:
    if 0 in shape[:1]:
        raise DataError(f"{name} is an array of shape {shape}, which holds no images: give at least one")
    last, first = (0, 3, 1, 2), (0, 1, 2, 3)
    # (64, 64, 3) is one colour picture, not 64 grey ones of 64×3; (64, 4, 4) are small grey ones.
    if len(shape) == 3 and 0 not in shape and (shape[2] not in (3, 4) or shape[1] == shape[2]):
        return (0, -1, 1, 2), ()
    found = [axes for axes in ((first, last) if channels_first else (last, first)) if _fits(shape, axes)]
    if not found:
        raise DataError(
            f"{name} is an array of shape {shape}, not a stack of images: give (N, H, W), (N, H, W, C) or (N, C, H, W) "
            f"with 1 or 3 channels{_hint(shape)}"
        )
    if len(found) == 1:
        return found[0], ()
    layout = "(N, C, H, W)" if found[0] == first else "(N, H, W, C)"
    return found[0], (f"the shape {shape} could be read two ways and was taken as {layout}",)


def _fits(shape: tuple[int, ...], axes: tuple[int, int, int, int]) -> bool:
    return len(shape) == 4 and 0 not in shape and shape[axes[1]] in (1, 3)


def _hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return "; flattened images must be reshaped first"
    if len(shape) == 3 and shape[-1] in (3, 4):
        return "; a single image needs a leading axis"
    if len(shape) == 4 and 4 in (shape[1], shape[3]):
        return "; lay transparent images on a background first"
    return ""


def _check_values(array: Stack, name: str) -> bool:
    """Check all values of an array of moderate size, and those of a spread-out sample of a larger one.

    Returns:
        Whether they are whole numbers, 0 and 1 alone.
    """
    if array.dtype == np.bool_:
        return False
    ranges = np.array([(block.min(), block.max()) for block in _blocks(array)], dtype=np.float64)
    low, high = float(ranges[:, 0].min()), float(ranges[:, 1].max())
    _check_range(low, high, array.dtype, name)
    return array.dtype.kind in "ui" and (low, high) == (0, 1)


def _blocks(array: Stack) -> Iterator[Array]:
    count = len(array)
    if array.nbytes > CHECKED_WHOLE:
        chosen = np.unique(np.linspace(0, count - 1, CHECKED_SAMPLE).astype(np.int64))
    else:
        chosen = np.arange(count)
    step = max(1, CHECKED_BYTES // max(1, array.nbytes // count))
    step = step if len(chosen) == count else min(step, CHECKED_APART)
    for start in range(0, len(chosen), step):
        places = chosen[start : start + step]
        whole = places[-1] - places[0] == len(places) - 1
        yield array[places[0] : places[-1] + 1] if whole else array[places]
        let_go(array)


def let_go(array: Stack) -> None:
    """Give back the pages of a memory-mapped file that were read: of a long one they add up to all of it.

    They stay in the system's cache, and are there again when they are read again.
    """
    if isinstance(array, np.memmap) and array.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
        array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # numpy has no other name for it
