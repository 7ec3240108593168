from pathlib import Path

import numpy as np
import pytest

from didlearn.images.base import Images

SHARED = Path(__file__).parents[3] / "shared"


class ArrayReader:
    def __init__(self, pixels):
        self.pixels = pixels

    def __len__(self):
        return len(self.pixels)

    def read(self, indices):
        return self.pixels[np.asarray(indices, dtype=np.int64)]


@pytest.fixture
def images_of():
    """Return a function that makes a data set of an array (N, C, H, W) and labels."""

    def make(pixels, labels=None, name="the set", classes=None):
        labels = None if labels is None else np.asarray(labels, dtype=np.int64)
        return Images(ArrayReader(pixels), pixels.shape[1:], name, labels, classes)

    return make


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not here")
    return SHARED
