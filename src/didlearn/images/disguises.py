"""What people do to a picture that leaves it recognisable: the disguises a copy may wear.

Each takes (n, C, H, W) uint8 images and a source of randomness, and returns as many. Shifts repeat the border, crops
are resized back, turns fill with black; strengths in pixels are of a picture 32 pixels wide.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from didlearn.arrays import Array, Bytes
from didlearn.images.perturb import brighten, jpeg, shift

Disguise = Callable[[Bytes, np.random.Generator], Bytes]
_LUMA = (0.299, 0.587, 0.114)


def mirrored(images: Bytes, _: np.random.Generator) -> Bytes:
    """Exchange left and right."""
    return np.ascontiguousarray(images[..., ::-1])


def moved(down: int, right: int) -> Disguise:
    """Move by whole pixels, down and to the right, repeating the border."""
    return lambda images, _: shift(images, down, right)


def cropped(pixels: float) -> Disguise:
    """Cut the rim off and enlarge what is left."""

    def crop(picture: Image.Image) -> Image.Image:
        width, height = picture.size
        across, down = pixels * width / 32, pixels * height / 32
        return picture.resize((width, height), Image.Resampling.BICUBIC, (across, down, width - across, height - down))

    return _each(crop)


def reduced(side: int) -> Disguise:
    """Scale down to so many pixels of 32, and up again."""

    def reduce(picture: Image.Image) -> Image.Image:
        width, height = picture.size
        small = picture.resize((max(1, side * width // 32), max(1, side * height // 32)), Image.Resampling.BICUBIC)
        return small.resize((width, height), Image.Resampling.BICUBIC)

    return _each(reduce)


def turned(degrees: float) -> Disguise:
    """Turn about the middle."""
    return _each(lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC))


def compressed(quality: int) -> Disguise:
    """Pass through JPEG."""
    return lambda images, _: jpeg(images, quality)


def relit(gain: float) -> Disguise:
    """Multiply all pixels."""
    return lambda images, _: brighten(images, gain)


def flattened(contrast: float) -> Disguise:
    """Bring every pixel nearer to the picture's mean."""

    def flatten(images: Bytes, _: np.random.Generator) -> Bytes:
        mean = images.mean((1, 2, 3), keepdims=True)
        return _rounded(mean + contrast * (images - mean))

    return flatten


def curved(gamma: float) -> Disguise:
    """Raise every pixel to a power."""
    return lambda images, _: _rounded(255 * (images / 255.0) ** gamma)


def greyed(images: Bytes, _: np.random.Generator) -> Bytes:
    """Take the colour out."""
    if images.shape[1] != len(_LUMA):
        return images
    return np.repeat(_rounded(np.einsum("nchw,c->nhw", images, _LUMA))[:, None], len(_LUMA), 1)


def exchanged(images: Bytes, _: np.random.Generator) -> Bytes:
    """Exchange the first and the last channel."""
    return np.ascontiguousarray(images[:, ::-1])


def noisy(sd: float) -> Disguise:
    """Add normal noise of so many grey levels."""
    return lambda images, rng: _rounded(images + rng.normal(0, sd, images.shape))


def blurred(sigma: float) -> Disguise:
    """Blur by a Gaussian of so many pixels."""
    return lambda images, _: _rounded(gaussian_filter(images.astype(np.float64), (0, 0, sigma, sigma)))


def in_turn(*disguises: Disguise) -> Disguise:
    """Wear several, one over the other."""

    def wear(images: Bytes, rng: np.random.Generator) -> Bytes:
        for disguise in disguises:
            images = disguise(images, rng)
        return images

    return wear


def _rounded(pixels: Array) -> Bytes:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _each(change: Callable[[Image.Image], Image.Image]) -> Disguise:
    return partial(_one_by_one, change)


def _one_by_one(change: Callable[[Image.Image], Image.Image], images: Bytes, rng: np.random.Generator) -> Bytes:
    """Change pictures one by one: Pillow knows no stacks. What is neither grey nor colour goes plane by plane."""
    if images.shape[1] in (1, 3):
        return np.stack([_planes(change(_picture(image))) for image in images])
    flat = images.reshape(-1, 1, *images.shape[2:])
    return _one_by_one(change, flat, rng).reshape(images.shape)


def _picture(image: Bytes) -> Image.Image:
    return Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))


def _planes(picture: Image.Image) -> Bytes:
    pixels = np.asarray(picture)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


DISGUISES: dict[str, Disguise] = {
    "mirrored": mirrored,
    "moved by a pixel": moved(0, 1),
    "moved by two, both ways": moved(2, 2),
    "cropped by 2 pixels": cropped(2),
    "cropped by 4 pixels": cropped(4),
    "turned by 5°": turned(5),
    "turned by 10°": turned(-10),
    "JPEG at quality 25": compressed(25),
    "20 % brighter": relit(1.2),
    "contrast of .6": flattened(0.6),
    "gamma of 1.5": curved(1.5),
    "grey": greyed,
    "half the resolution": reduced(16),
    "noise of 10 levels": noisy(10),
    "noise of 25 levels": noisy(25),
    "mirrored, JPEG, cropped": in_turn(mirrored, compressed(75), cropped(2)),
}
