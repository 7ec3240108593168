"""Mild changes that leave a picture the same picture: what a duplicate may look like.

One pixel of translation (the border repeated), 5 % of brightness, and JPEG at quality 90.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from didlearn.arrays import Bytes


def shift(images: Bytes) -> Bytes:
    """Move (n, C, H, W) images one pixel to the right, repeating the border."""
    padded = np.pad(images, ((0, 0), (0, 0), (0, 0), (1, 0)), mode="edge")
    return padded[..., :-1]


def brighten(images: Bytes) -> Bytes:
    """Brighten (n, C, H, W) uint8 images by 5 %."""
    return np.clip(np.rint(images * 1.05), 0, 255).astype(np.uint8)


def jpeg(images: Bytes) -> Bytes:
    """Pass (n, C, H, W) uint8 images through JPEG at quality 90."""
    return np.stack([_jpeg_one(image) for image in images])


def _jpeg_one(image: Bytes) -> Bytes:
    plane = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(buffer, "JPEG", quality=90)
    decoded = np.asarray(Image.open(buffer))
    return decoded[None] if decoded.ndim == 2 else decoded.transpose(2, 0, 1)


PERTURBATIONS: dict[str, Callable[[Bytes], Bytes]] = {
    "shift by a pixel": shift,
    "5 % brighter": brighten,
    "JPEG quality 90": jpeg,
}
