"""Training images on the device they are trained on, in an order that depends on the seed alone."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from didlearn.arrays import Bytes
from didlearn.errors import UsageError
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit
from didlearn.rng import Stream


class Batch(NamedTuple):
    """Images (n, C, H, W) in [-1, 1], their labels (n,) or ``None``, and their places (n,) in the training set."""

    images: Tensor
    labels: Tensor | None
    places: Tensor


class TrainingSet:
    """All images as bytes on one device, given out in batches: each image once an epoch.

    Raises:
        UsageError: there are fewer images than a batch holds.
    """

    def __init__(self, images: Images, batch: int, rng: Stream, device: str) -> None:
        if len(images) < batch:
            raise UsageError(f"{images.name} has {len(images)} images; a batch holds {batch}: give a smaller batch")
        self.pixels = torch.from_numpy(read_bytes(images)).to(device)
        self.labels = None if images.labels is None else torch.from_numpy(images.labels).to(device)
        named = 0 if images.classes is None else len(images.classes)
        self.classes = None if images.labels is None else max(named, int(images.labels.max()) + 1)
        self.shape, self.size, self.device = images.shape, batch, device
        self.rng = rng
        self._epoch = lru_cache(maxsize=2)(self._order)

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, number: int) -> Batch:
        """Return the batch with this number, counted over all epochs."""
        epoch, place = divmod(number, len(self) // self.size)
        index = self._epoch(epoch)[place * self.size : (place + 1) * self.size].to(self.device)
        labels = None if self.labels is None else self.labels[index]
        return Batch(self.scaled(index), labels, index)

    def scaled(self, index: Tensor) -> Tensor:
        """Return the images at ``index`` as float32 in [-1, 1]."""
        return self.pixels[index].float().div_(127.5).sub_(1)

    def spread(self, count: int) -> Tensor:
        """Return the places of ``count`` images (all, where there are no more), evenly over a set sorted by class."""
        places = torch.linspace(0, len(self) - 1, min(count, len(self)), dtype=torch.float64)
        return places.round().long().to(self.device)

    def _order(self, epoch: int) -> Tensor:
        return torch.randperm(len(self), generator=self.rng.torch("epoch", epoch))


def read_bytes(images: Images) -> Bytes:
    """Read all images as uint8 (N, C, H, W)."""
    pixels = np.empty((len(images), *images.shape), dtype=np.uint8)
    start = 0
    for batch in images.batches():
        pixels[start : start + len(batch)] = eight_bit(batch)
        start += len(batch)
    return pixels


class StepData:
    """What one training step may see: real batches of its own, and noise of its own.

    Everything depends on the seed and the step alone, so a run that goes on after a kill goes on as if it had not
    been killed.
    """

    def __init__(self, data: TrainingSet, step: int, steps: int, batches: int) -> None:
        self.data, self.step, self.steps = data, step, steps
        self._generator = data.rng.torch("noise", step)
        self._next = step * batches

    def real(self) -> Batch:
        """Return the next batch of training images."""
        self._next += 1
        return self.data.batch(self._next - 1)

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normal numbers."""
        return torch.randn(*shape, generator=self._generator).to(self.data.device)

    def uniform(self, *shape: int) -> Tensor:
        """Draw numbers uniform on [0, 1)."""
        return torch.rand(*shape, generator=self._generator).to(self.data.device)
