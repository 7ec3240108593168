"""The array types of this project, named by what they hold; shapes stand in the docstrings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

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
