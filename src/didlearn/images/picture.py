"""An image as a picture file holds it."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Bytes, Pixels

PICTURE_SIDE = 128


def eight_bit(pixels: Pixels) -> Bytes:
    """Return images, uint8 or float in [0, 1] (others are clipped), as uint8."""
    scaled = pixels if pixels.dtype == np.uint8 else np.rint(np.clip(pixels, 0, 1) * 255)
    return scaled.astype(np.uint8, copy=False)


def to_picture(image: Pixels) -> Bytes:
    """Turn (C, H, W), uint8 or float in [0, 1], into (H, W) or (H, W, 3) uint8 of at most 128 pixels a side."""
    image = eight_bit(image)
    step = -(-max(image.shape[1:]) // PICTURE_SIDE)
    image = image[:, ::step, ::step]
    return np.ascontiguousarray(image[0] if len(image) == 1 else image[:3].transpose(1, 2, 0))
