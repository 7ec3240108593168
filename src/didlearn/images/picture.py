"""An image as a picture file holds it."""

from __future__ import annotations

import math

import numpy as np

from didlearn.arrays import Bytes, Pixels

PICTURE_SIDE = 128


def eight_bit(pixels: Pixels) -> Bytes:
    """Return images, uint8 or float in [0, 1] (others are clipped), as uint8."""
    scaled = pixels if pixels.dtype == np.uint8 else np.rint(np.clip(pixels, 0, 1) * 255)
    return scaled.astype(np.uint8, copy=False)


def to_picture(image: Pixels) -> Bytes:
    """Turn (C, H, W), uint8 or float in [0, 1], into (H, W) or (H, W, 3) uint8 of at most 128 pixels a side.

    Points (D, 1, 1) become a square of greys, line by line, black at their least number and white at their largest.
    """
    if image.shape[1:] == (1, 1) and image.dtype != np.uint8:
        return _greys(image.ravel()[: PICTURE_SIDE**2])
    image = eight_bit(image)
    step = -(-max(image.shape[1:]) // PICTURE_SIDE)
    image = image[:, ::step, ::step]
    return np.ascontiguousarray(image[0] if len(image) == 1 else image[:3].transpose(1, 2, 0))


def _greys(row: Pixels) -> Bytes:
    low, high = float(row.min()), float(row.max())
    side = math.ceil(math.sqrt(len(row)))
    square = np.zeros((-(-len(row) // side), side))
    square.flat[: len(row)] = (row - low) / (high - low) if high > low else 0.5
    return eight_bit(square.astype(np.float32))
