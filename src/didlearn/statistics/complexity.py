"""How much an image holds, without any model of images."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from didlearn.arrays import Bytes, Floats, Pixels

_PATCH = 8
_DARK = 0.02


def png_bits(images: Pixels) -> Floats:
    """Bits per value of each image (n, C, H, W), float in [0, 1] (others are clipped), as a PNG file: (n,)."""
    eight = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    return np.array([8 * _size(image) / image.size for image in eight])


def _size(image: Bytes) -> int:
    plane = image[0] if len(image) == 1 else image[:3].transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(buffer, "PNG", optimize=True)
    return buffer.tell()


def local_variance(images: Pixels, patch: int = _PATCH) -> Floats:
    """Mean variance of luminance within non-overlapping patches of (n, C, H, W), (n,); smaller images are one patch."""
    return _patches(images, patch).var(axis=(2, 4)).mean(axis=(1, 2))


def local_variation(images: Pixels, patch: int = _PATCH) -> Floats:
    """Mean coefficient of variation of luminance within the same patches, sd / (mean + 0.02), (n,).

    What Friedman & Weiss (2024) plot against the log-likelihood; the addend keeps black patches finite.
    """
    cut = _patches(images, patch)
    return (cut.std(axis=(2, 4)) / (np.abs(cut.mean(axis=(2, 4))) + _DARK)).mean(axis=(1, 2))


def _patches(images: Pixels, patch: int) -> Floats:
    """Return luminance in patches, (n, rows, size, columns, size)."""
    gray = images.astype(np.float64).mean(axis=1)
    size = min(patch, *gray.shape[1:])
    rows, columns = gray.shape[1] // size, gray.shape[2] // size
    return gray[:, : rows * size, : columns * size].reshape(len(gray), rows, size, columns, size)


def log_detail(images: Floats) -> Floats:
    """Logarithm of the fine detail of images (n, C, H, W), float in [0, 1]: the mean squared Laplacian, (n,).

    Blur takes it away and noise adds to it. One grey level squared is added, so that a blank picture has a logarithm.
    """
    x = np.pad(images.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    centre = x[:, :, 1:-1, 1:-1]
    laplacian = x[:, :, :-2, 1:-1] + x[:, :, 2:, 1:-1] + x[:, :, 1:-1, :-2] + x[:, :, 1:-1, 2:] - 4 * centre
    return np.asarray(np.log(np.square(laplacian).mean(axis=(1, 2, 3)) + 1 / 255**2))
