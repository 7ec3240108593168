"""``Fit``: bring a picture to the size and number of channels asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from didlearn.arrays import ImageShape, Pixels
from didlearn.errors import DataError, UsageError
from didlearn.images.base import ImageReader, Images
from didlearn.naming import option

LARGEST_SIZE = 8000
MEGAPIXELS = 1000
PIXELS_A_BYTE = 500  # photographs have 1 to 20, masks of a plain shape a few hundred, files made to unfold thousands
# ITU-R 601 luma in 16-bit fixed point, as PIL and JPEG have it; the weights add up to 2^16, so grey stays grey.
_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)


class TooManyPixelsError(DataError):
    """A source would unfold to more pixels than it may have."""


@dataclass(frozen=True)
class Fit:
    """What every picture is brought to.

    Attributes:
        size: side of the square, in pixels: the centre square is cut out and resized (Lanczos, antialiased).
            ``None`` leaves pictures as they are.
        crop: side of the centre square that is cut out before that, in pixels (108 and 140 are usual for CelebA's
            178×218); ``None`` cuts the largest there is, and nothing where there is no ``size``.
        channels: 1 (luminance) or 3 (grey broadcast to RGB); ``None`` leaves them as they are.
        megapixels: how many million pixels all picture files of a source may hold together; ``None`` for
            ``MEGAPIXELS``, or ``PIXELS_A_BYTE`` for each byte of the files where that is more.

    Raises:
        UsageError: ``size`` or ``crop`` is no whole number from 1 to ``LARGEST_SIZE``, or ``channels`` is neither 1
            nor 3, or ``megapixels`` is below 1.
    """

    size: int | None = None
    channels: int | None = None
    megapixels: int | None = None
    crop: int | None = None

    def __post_init__(self) -> None:
        for name, side in (("size", self.size), ("crop", self.crop)):
            if side is not None and (not isinstance(side, int) or not 1 <= side <= LARGEST_SIZE):
                named = option(name, None)
                raise UsageError(f"{named} takes a whole number of pixels from 1 to {LARGEST_SIZE}, got {side!r}")
        if self.channels not in (None, 1, 3):
            raise UsageError(f"{option('channels', None)} takes 1 (grey) or 3 (RGB), got {self.channels!r}")
        if self.megapixels is not None and self.megapixels < 1:
            raise UsageError(f"{option('megapixels', None)} takes a whole number from 1, got {self.megapixels!r}")

    def refuse_unfolding(self, name: str, pixels: int, size: int) -> None:
        """Refuse files of ``size`` bytes that decode to more ``pixels`` than one source may: it would take for ever.

        Raises:
            TooManyPixelsError: they do.
        """
        most = MEGAPIXELS * 10**6 if self.megapixels is None else self.megapixels * 10**6
        if pixels > most and (self.megapixels is not None or pixels > PIXELS_A_BYTE * size):
            millions = -(-pixels // 10**6)
            raise TooManyPixelsError(
                f"{name} would unfold from {size} bytes to {millions} million pixels, more than the {most // 10**6} "
                f"million a source may have; none was decoded: {option('megapixels', millions)} if they are meant"
            )

    def shape(self, shape: ImageShape) -> ImageShape:
        """Return the shape a picture of ``shape`` is brought to.

        Raises:
            DataError: it is smaller than the square to be cut out.
        """
        channels, height, width = shape
        if self.crop is not None and min(height, width) < self.crop:
            given = option("crop", self.crop)
            raise DataError(f"{given} cuts more than there is out of a picture of {width}×{height}; give less")
        side = self.size or self.crop
        return (self.channels or channels, *((height, width) if side is None else (side, side)))

    def __call__(self, image: Pixels) -> Pixels:
        """Bring one picture (C, H, W), uint8 or float32 in [0, 1], to the shape asked for."""
        if self.channels == 1 and len(image) == 3:
            image = luminance(image)
        if self.crop is not None:
            self.shape((len(image), *image.shape[1:]))  # refuses what is too small
            image = _centre(image, self.crop)
        if self.size is not None and image.shape[1:] != (self.size, self.size):
            image = np.stack([_resize(channel, self.size) for channel in _centre(image, min(image.shape[1:]))])
        if self.channels == 3 and len(image) == 1:
            image = np.repeat(image, 3, axis=0)
        return image

    def notes(self, shapes: Sequence[ImageShape]) -> tuple[str, ...]:
        """Say what is done to pictures of these shapes, in sentences for the report."""
        notes = []
        if self.crop is not None:
            notes.append(f"pictures cropped to the {self.crop}×{self.crop} pixels in their middle")
            shapes = [(channels, self.crop, self.crop) for channels, _, _ in shapes]
        if self.size is not None and any(shape[1:] != (self.size, self.size) for shape in shapes):
            square = "cropped to their centre square and " if any(h != w for _, h, w in shapes) else ""
            way = f"resized to {self.size}×{self.size} (Lanczos, antialiased)"
            notes.append(f"pictures {square}{way}")
        if self.channels == 1 and any(shape[0] == 3 for shape in shapes):
            notes.append("colour pictures turned into luminance (0.299 R + 0.587 G + 0.114 B)")
        if self.channels == 3 and any(shape[0] == 1 for shape in shapes):
            notes.append("grey pictures broadcast to RGB")
        return tuple(notes)


def luminance(image: Pixels) -> Pixels:
    """Return Y = 0.299 R + 0.587 G + 0.114 B of a picture (3, H, W), as (1, H, W) of the same type."""
    if image.dtype == np.uint8:
        weighed = np.tensordot(_LUMA, image.astype(np.uint32), axes=1)
        return ((weighed + 0x8000) >> 16).astype(np.uint8)[None]
    return np.tensordot((_LUMA / 2**16).astype(np.float32), image.astype(np.float32, copy=False), axes=1)[None]


def _centre(image: Pixels, side: int) -> Pixels:
    """Return the square of ``side`` pixels in the middle of a picture (C, H, W)."""
    height, width = image.shape[1:]
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, top : top + side, left : left + side]


def _resize(channel: Pixels, size: int) -> Pixels:
    resized = Image.fromarray(np.ascontiguousarray(channel)).resize((size, size), Image.Resampling.LANCZOS)
    pixels = np.asarray(resized)
    # Lanczos overshoots at edges; 8-bit pictures are clipped by PIL itself.
    return pixels if pixels.dtype == np.uint8 else np.clip(pixels, 0, 1)


@dataclass(frozen=True, eq=False)
class FittedReader:
    """A reader whose pictures, all of one shape, are brought to another."""

    reader: ImageReader
    fit: Fit

    @property
    def names(self) -> Sequence[str] | None:
        """Return the names of the pictures, where the reader below knows them."""
        return getattr(self.reader, "names", None)

    def __len__(self) -> int:
        return len(self.reader)

    def read(self, indices: Sequence[int]) -> Pixels:
        """Return the pictures at ``indices`` as (n, C, H, W), fitted."""
        return np.stack([self.fit(image) for image in self.reader.read(indices)])


def fitted(images: Images, fit: Fit) -> Images:
    """Return the same images brought to ``fit``, lazily; ``images`` itself where nothing changes."""
    if getattr(images.reader, "fit", None) == fit:  # decoded to it already: a square is not cut out twice
        return images
    shape = fit.shape(images.shape)
    if shape == images.shape:
        return images
    notes = images.notes + fit.notes([images.shape])
    reader = FittedReader(images.reader, fit)
    return Images(reader, shape, images.name, images.labels, images.classes, images.index, notes)
