"""The embedded data: scikit-learn's real handwritten digits."""

from __future__ import annotations

import numpy as np

from didlearn.images.base import Images
from didlearn.images.classes import Labels
from didlearn.images.formats.arrays import open_array


def open_digits() -> Images:
    """Return 1 797 real digits, 8×8, grey, with their labels; the 17 levels 0 to 16 become 0 to 255."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    labels = Labels(digits.target.astype(np.int64), tuple("0123456789"))
    return open_array(pixels, labels, "digits")
