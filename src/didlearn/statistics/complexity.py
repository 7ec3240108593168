"""How much an image holds, without any model of images."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]


def png_bits(images: Array) -> Array:
    """Bits per value of each image (n, C, H, W), float in [0, 1] (others are clipped), as a PNG file: (n,)."""
    eight = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    return np.array([8 * _size(image) / image.size for image in eight])


def _size(image: Array) -> int:
    plane = image[0] if len(image) == 1 else image[:3].transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(buffer, "PNG", optimize=True)
    return buffer.tell()
