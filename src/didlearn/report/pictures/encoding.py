"""Pictures as bytes of a page: PNG where it fits, compressed and made smaller where it does not, each encoded once."""

from __future__ import annotations

import hashlib
import io
import math

from PIL import Image

_SMALLEST_SIDE = 16


class PictureEncoder:
    """What encodes the pictures of one page, and remembers them.

    A page shows a picture up to three times, and one that came out too large is made again more sparingly.
    """

    def __init__(self) -> None:
        self._fitted: dict[tuple[bytes, int], tuple[bytes, bool]] = {}
        self._png_bytes: dict[bytes, int] = {}  # and not the PNGs: those of many large pictures are too large to keep
        self._webp: dict[bytes, bytes] = {}

    def within(self, image: Image.Image, allowance: int) -> tuple[bytes, bool]:
        """Encode an image, compressed and made smaller until it fits its allowance; say whether it had to be."""
        shown = _pixels_of(image)
        found = self._fitted.get((shown, allowance))
        if found is None:
            found = self._fitted[shown, allowance] = self._fit(image, shown, allowance)
        return found

    def _fit(self, image: Image.Image, shown: bytes, allowance: int) -> tuple[bytes, bool]:
        if self._png_bytes.get(shown, 0) <= allowance:
            data = as_png(image)
            self._png_bytes[shown] = len(data)
            if len(data) <= allowance:
                return data, False
        if shown not in self._webp:
            self._webp[shown] = as_webp(image)
        data = self._webp[shown]
        while len(data) > allowance and max(image.size) > _SMALLEST_SIDE:
            share = min(0.9, math.sqrt(allowance / len(data)))
            image = shrunk(image, max(_SMALLEST_SIDE, int(share * max(image.size))))
            data = as_webp(image)
        return data, True


def _pixels_of(image: Image.Image) -> bytes:
    """Return what tells an image from every other: its file may have brought a colour profile along."""
    return hashlib.sha256(f"{image.mode} {image.size} {image.info} ".encode() + image.tobytes()).digest()


def shrunk(image: Image.Image, side: int) -> Image.Image:
    """Make an image smaller, until its longer side is ``side`` at most."""
    if max(image.size) <= side:
        return image
    share = side / max(image.size)
    return image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))), Image.Resampling.BOX)


def as_png(image: Image.Image) -> bytes:
    """Encode an image without loss."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def as_webp(image: Image.Image) -> bytes:
    """Encode an image with some loss."""
    file = io.BytesIO()
    image.save(file, format="WEBP", quality=80, method=4)
    return file.getvalue()
