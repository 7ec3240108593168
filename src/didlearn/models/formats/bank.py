"""A bank: a model that is known by a set of its samples alone."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.images.base import Images
from didlearn.images.points import Points
from didlearn.models.base import Sampler, Samples
from didlearn.models.drawing import DecodedImages, pixel_notes
from didlearn.progress import Progress, silent
from didlearn.rng import Stream


class Bank(Sampler):
    """Images drawn without replacement in the order of a permutation: an image is never its own duplicate."""

    kind = "bank"

    def __init__(self, images: Images) -> None:
        if len(images) == 0:
            raise UsageError(f"{images.name} holds no images to draw from")
        self.images, self.name, self.image_shape, self.notes = images, images.name, images.shape, images.notes
        self.size = len(images)
        self.class_names = images.classes
        if images.labels is not None:
            self.classes = len(images.classes) if images.classes else int(images.labels.max()) + 1

    def draw(
        self,
        count: int,
        rng: Stream,
        *,
        device: str = "cpu",  # noqa: ARG002 (a bank is read, not computed)
        batch_size: int = 256,
        threads: int | None = None,  # noqa: ARG002
        advance: Progress = silent,
        label_weights: Floats | None = None,  # noqa: ARG002 (its labels are the ones it has)
    ) -> Samples:
        """Read the first ``min(count, size)`` images of a permutation that ``rng`` names.

        Raises:
            UsageError: ``count`` or ``batch_size`` is below 1.
            DataError: an image cannot be read.
        """
        if count < 1 or batch_size < 1:
            raise UsageError(f"cannot draw {count} images in batches of {batch_size}; both must be at least 1")
        points = isinstance(self.images, Points)
        order = rng.numpy("permutation").permutation(len(self.images))[:count]
        pixels = DecodedImages.empty(len(order), self.image_shape, ranged=not points)
        for start in range(0, len(order), batch_size):
            raw = self.images.read_raw(order[start : start + batch_size])
            if raw.dtype == np.uint8:
                pixels.images[start : start + len(raw)] = raw
            else:
                pixels.store(start, torch.from_numpy(np.ascontiguousarray(raw, dtype=np.float32)))
            advance(f"reading {self.name}", start + len(raw), len(order))
        labels = None if self.images.labels is None else self.images.labels[order].astype(np.int64)
        return Samples(pixels.images, labels, pixels.finite, self.notes + pixel_notes(pixels), points)

    @cached_property
    def fingerprint(self) -> str:
        """The data set's content fingerprint; reads every image once."""
        return self.images.fingerprint
