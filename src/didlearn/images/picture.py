"""An image as a picture file holds it."""

from __future__ import annotations

from typing import Any

import numpy as np

LARGEST = 128


def to_picture(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Turn (C, H, W), uint8 or float in [0, 1], into (H, W) or (H, W, 3) uint8 of at most 128 pixels a side."""
    if image.dtype != np.uint8:
        image = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    step = -(-max(image.shape[1:]) // LARGEST)
    image = image[:, ::step, ::step]
    return np.ascontiguousarray(image[0] if len(image) == 1 else image[:3].transpose(1, 2, 0))
