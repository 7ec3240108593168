"""The array types of this project, named by what they hold; shapes stand in the docstrings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Array = np.ndarray[Any, Any]  # of any dtype: what users hand in

ImageShape = tuple[int, int, int]  # (C, H, W)
