"""The array types of this project, named by what they hold; shapes stand in the docstrings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]  # numbers
Singles = NDArray[np.float32]  # numbers in single precision
Ints = NDArray[np.int64]  # counts, labels, row numbers
Flags = NDArray[np.bool_]  # which of several
Bytes = NDArray[np.uint8]  # images as an 8-bit file holds them, 0 to 255
Pixels = NDArray[np.uint8 | np.float32]  # images: uint8, or float32 in [0, 1]
Features = NDArray[np.float32 | np.float64]  # rows that distances are measured between
Array = NDArray[Any]  # any dtype: a user's own, not looked at yet
ArrayOrTensor: TypeAlias = "ArrayLike | torch.Tensor"  # what users may hand in as numbers

ImageShape = tuple[int, int, int]  # (C, H, W)


class BytePoints:
    """Rows of bytes that stand for numbers b/255, in a quarter of the room of float32: what pixels are as features.

    To numpy they are the float32 array of those numbers, made when it is needed. Distances are found from the bytes
    (``neighbors``). A row is float32; some rows are ``BytePoints``, a view where an array's would be one.

    Attributes:
        stored: (N, D) uint8.
    """

    dtype = np.dtype(np.float32)
    ndim = 2
    unit = 255  # what the stored numbers are multiples of, inverted

    def __init__(self, stored: Bytes) -> None:
        self.stored = stored

    @classmethod
    def of(cls, stored: Bytes) -> Singles:
        """Return rows of bytes (N, D) as what they are used as: an array of float32."""
        return cast("Singles", cls(stored))

    @property
    def shape(self) -> tuple[int, int]:
        """(N, D)."""
        count, width = self.stored.shape
        return count, width

    @property
    def nbytes(self) -> int:
        """The bytes that they take."""
        return self.stored.nbytes

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, key: Any) -> Any:
        found = self.stored[key]
        return BytePoints(found) if found.ndim == 2 and not isinstance(key, tuple) else _numbers(found)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return _numbers(self.stored) if dtype is None else _numbers(self.stored).astype(dtype)

    def astype(self, dtype: Any, *, copy: bool = True) -> Array:  # noqa: ARG002 (an array's own signature)
        """Return the numbers as an array of another type."""
        return self.__array__(dtype)


def _numbers(stored: Bytes) -> Singles:
    return np.divide(stored, np.float32(BytePoints.unit), dtype=np.float32)


def joined(parts: Sequence[Features]) -> Features:
    """Return the rows of several arrays, one after another; of bytes only, as bytes."""
    if all(isinstance(part, BytePoints) for part in parts):
        return BytePoints.of(np.concatenate([cast("BytePoints", part).stored for part in parts]))
    return np.concatenate([np.asarray(part) for part in parts])
