"""The embedded data: scikit-learn's real handwritten digits."""

from __future__ import annotations

from functools import cache

import numpy as np

from didlearn.arrays import Bytes, Ints
from didlearn.images.base import Images
from didlearn.images.classes import Labels
from didlearn.images.formats.arrays import open_array


def open_digits() -> Images:
    """Return 1 797 real digits, 8×8, grey, with their labels; the 17 levels 0 to 16 become 0 to 255."""
    pixels, labels = _read()
    return open_array(pixels.copy(), Labels(labels.copy(), tuple("0123456789")), "digits")


@cache
def _read() -> tuple[Bytes, Ints]:
    """Read them once: they come as text, which takes half a second."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target.astype(np.int64)
