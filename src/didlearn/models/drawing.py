"""From latents to 8-bit pixels, so that neither batch size nor threads can be seen in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from didlearn.arrays import Array
from didlearn.errors import DidlearnError, OutputError, UsageError, first_line
from didlearn.models.pool import each_unit
from didlearn.parallel import UNIT, units_in_flight
from didlearn.progress import Progress
from didlearn.result.words import percent
from didlearn.rng import Stream, named_noise

if TYPE_CHECKING:
    from didlearn.models.base import LatentModel

_OUTSIDE = 1e-3
_COMPARED = 256  # images


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """Decoded images: uint8, or float32 without a value range.

    ``finite`` and ``outside`` are (n,): whether the image was all finite numbers (it is stored as 0 if not), and how
    many of its values lay outside the value range by more than ``_OUTSIDE`` of its width.
    """

    images: Array
    finite: Array
    outside: Array

    @classmethod
    def empty(cls, count: int, shape: tuple[int, int, int], ranged: bool) -> DecodedImages:
        """Return room for ``count`` images."""
        images = np.empty((count, *shape), dtype=np.uint8 if ranged else np.float32)
        return cls(images, np.ones(count, dtype=bool), np.zeros(count, dtype=np.int64))

    def store(self, start: int, x: torch.Tensor) -> None:
        """Put decoded images (n, C, H, W) at ``start``; those beyond the end are dropped."""
        x = x.detach()[: len(self.images) - start].to("cpu", torch.float32)
        finite = torch.isfinite(x).flatten(1).all(dim=1)
        x = torch.where(finite[:, None, None, None], x, torch.zeros(()))
        place = slice(start, start + len(x))
        self.finite[place] = finite.numpy()
        if self.images.dtype == np.uint8:
            self.outside[place] = ((x < -_OUTSIDE) | (x > 1 + _OUTSIDE)).flatten(1).sum(dim=1).numpy()
            x = (x.clamp(0, 1) * 255).round().to(torch.uint8)
        self.images[place] = x.numpy()

    def put(self, start: int, part: DecodedImages) -> None:
        """Put a part at ``start``; what is beyond the end is dropped."""
        for whole, piece in zip(
            (self.images, self.finite, self.outside), (part.images, part.finite, part.outside), strict=True
        ):
            within = piece[: len(whole) - start]
            whole[start : start + len(within)] = within


def unit_size(model: LatentModel, count: int, batch_size: int) -> int:
    """Return how many latents the network sees at once.

    An image that depends on more than its latent (the model's own noise, the images beside it) is the same again
    only in the same unit, so such a model sees whole units whatever the batch size.

    Raises:
        UsageError: ``count`` or ``batch_size`` is below 1.
    """
    if count < 1 or batch_size < 1:
        raise UsageError(f"cannot draw {count} images in batches of {batch_size}; both must be at least 1")
    return UNIT if model.stochastic or model.coupled else min(UNIT, batch_size)


def blocks_of(count: int, first: int = 0) -> range:
    """Return which blocks of ``UNIT`` hold ``count`` rows from the row ``first`` on.

    Raises:
        UsageError: a block does not begin there.
    """
    if first % UNIT:
        raise UsageError(f"images cannot be drawn from number {first} on; give a multiple of {UNIT}")
    return range(first // UNIT, math.ceil((first + count) / UNIT))


def in_blocks(count: int, draw: Callable[[int], Array], first: int = 0) -> Array:
    """Join ``count`` rows, from the row ``first`` on, of ``draw(0), draw(1), ...``, each of ``UNIT`` rows."""
    return np.concatenate([draw(block) for block in blocks_of(count, first)])[:count]


def draw_labels(count: int, classes: int | None, weights: Array | None, rng: Stream, first: int = 0) -> Array | None:
    """Draw (count,) int64 labels, ``None`` without classes; label ``i`` depends on ``rng`` and ``i`` alone.

    ``first`` is the number of the first of them.

    Raises:
        UsageError: ``weights`` are not one non-negative number per class.
    """
    if classes is None:
        return None
    shares = np.ones(classes) if weights is None else np.asarray(weights, dtype=float)
    if shares.shape != (classes,) or not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() == 0:
        raise UsageError(f"label weights must be {classes} non-negative numbers, one per class; got {weights}")
    shares = shares / shares.sum()

    def block_of(block: int) -> Array:
        return rng.numpy("labels", block).choice(classes, UNIT, p=shares).astype(np.int64)

    return in_blocks(count, block_of, first)


def decode_units(
    model: LatentModel,
    count: int,
    latents: torch.Tensor,
    labels: Array | None,
    rng: Stream,
    *,
    device: str,
    batch_size: int,
    threads: int | None,
    advance: Progress,
    first: int = 0,
) -> DecodedImages:
    """Decode whole units of latents (padded, *latent_shape), the image ``first`` and on, and keep ``count`` images.

    Raises:
        OutputError: decoding failed, or did not give images of the model's shape.
    """
    ranged = model.value_range is not None
    pixels = DecodedImages.empty(count, model.image_shape, ranged)
    size = unit_size(model, count, batch_size)

    def decode(twin: LatentModel, unit: range) -> DecodedImages:
        z = latents[unit.start : unit.stop].to(device)
        y = None if labels is None else torch.from_numpy(labels[unit.start : unit.stop]).to(device)
        noise = named_noise(rng.child("noise", first + unit.start), device) if model.stochastic else nullcontext()
        part = DecodedImages.empty(len(unit), model.image_shape, ranged)
        with torch.no_grad(), noise:
            part.store(0, checked(twin, z, y))
        return part

    # Noise comes from torch's global generator: one unit at a time, and in this process.
    workers = 1 if model.stochastic else units_in_flight(batch_size, threads)
    units = [range(start, min(start + size, len(latents))) for start in range(0, len(latents), size)]
    done = 0
    for unit, part in each_unit(decode, model, units, device=device, threads=workers, here=model.stochastic):
        pixels.put(unit.start, part)
        done += len(unit)
        advance(f"drawing from {model.name}", min(done, count), count)
    return pixels


def checked(model: LatentModel, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    """Decode, and turn whatever goes wrong into a ``ModelError``."""
    try:
        images = model.decode(z, labels)
    except DidlearnError:
        raise
    except Exception as error:
        raise OutputError(f"{model.name} failed on {len(z)} latents: {first_line(error)}") from error
    if tuple(images.shape) != (len(z), *model.image_shape):
        raise OutputError(
            f"{model.name} made {tuple(images.shape)} of {len(z)} latents; "
            f"{(len(z), *model.image_shape)} was expected, the shape it has made before"
        )
    return images


def _all_alike(images: Array) -> bool:
    """Whether all images are the first one; some are looked at together, for as long as they are."""
    blocks = (images[start : start + _COMPARED] for start in range(0, len(images), _COMPARED))
    return all(bool((block == images[0]).all()) for block in blocks)


def pixel_notes(pixels: DecodedImages) -> tuple[str, ...]:
    """Say what happened to pixels on their way to 8 bits, and whether all images are one."""
    notes = []
    count = len(pixels.images)
    broken = int((~pixels.finite).sum())
    if broken:
        notes.append(f"{broken} of {count} images held NaN or infinite pixels; they are stored as black")
    share = pixels.outside.sum() / pixels.images.size
    if share:
        notes.append(f"{percent(share)} of the pixels lay outside the value range and were clipped")
    if count > 1 and not broken and _all_alike(pixels.images):
        notes.append(f"all {count} images are the same image")
    return tuple(notes)
