"""Mild changes that leave a picture the same picture: what a duplicate may look like.

One pixel of translation (the border repeated), 5 % of brightness, and JPEG at quality 90.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from didlearn.arrays import Bytes


def shift(images: Bytes, down: int = 0, right: int = 1) -> Bytes:
    """Move (n, C, H, W) images by whole pixels, by default one to the right, repeating the border."""
    padded = np.pad(images, ((0, 0), (0, 0), (down, 0), (right, 0)), mode="edge")
    return padded[:, :, : images.shape[2], : images.shape[3]]


def brighten(images: Bytes, gain: float = 1.05) -> Bytes:
    """Multiply the pixels of (n, C, H, W) uint8 images."""
    return np.clip(np.rint(images * gain), 0, 255).astype(np.uint8)


def jpeg(images: Bytes, quality: int = 90) -> Bytes:
    """Pass (n, C, H, W) uint8 images through JPEG."""
    return np.stack([_jpeg_one(image, quality) for image in images])


def _jpeg_one(image: Bytes, quality: int) -> Bytes:
    plane = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(buffer, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(buffer))
    return decoded[None] if decoded.ndim == 2 else decoded.transpose(2, 0, 1)


PERTURBATIONS: dict[str, Callable[[Bytes], Bytes]] = {
    "shift by a pixel": shift,
    "5 % brighter": brighten,
    "JPEG quality 90": jpeg,
}
