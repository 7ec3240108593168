"""``Sampler``: a model that can draw images. ``LatentModel``: one whose latent can be set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch

from didlearn.arrays import Array, ImageShape
from didlearn.models.drawing import decode_units, draw_labels, pixel_notes, unit_size
from didlearn.progress import Progress, silent
from didlearn.rng import Stream

__all__ = ["LatentModel", "Sampler", "Samples", "silent"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Images drawn from a model.

    Attributes:
        images: (n, C, H, W) uint8, as an 8-bit file would hold them; float32 where the model has no value range.
        labels: (n,) int64 classes of a conditional model or a labelled bank, or ``None``.
        finite: (n,) whether every pixel of the image was a finite number (others are stored as 0).
        notes: what a reader should know (pixels clipped, the model's own noise).
        points: whether they are rows of numbers (n, D, 1, 1), float32 of any size, and no pictures.
    """

    images: Array
    labels: Array | None
    finite: Array
    notes: tuple[str, ...] = ()
    points: bool = False

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int) -> Samples:
        """Return the first ``count`` samples, sharing memory."""
        labels = None if self.labels is None else self.labels[:count]
        return Samples(self.images[:count], labels, self.finite[:count], self.notes, self.points)


class Sampler(ABC):
    """A model that can draw images.

    Attributes:
        name: what to call it. kind: how it was opened ("torchscript", "bank", ...).
        image_shape: (C, H, W) of what it makes.
        classes: number of classes of a conditional model or labelled bank, or ``None``.
        class_names: their names, where they have any.
        size: how many images a bank holds, or ``None`` for a model that never runs out.
        notes: what was decided while opening it.
        fingerprint: content hash of the weights or the bank.
    """

    name: str
    kind: str
    image_shape: ImageShape
    classes: int | None = None
    class_names: tuple[str, ...] | None = None
    size: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Content hash of the weights or the bank; empty where there is nothing to hash."""
        return ""

    @abstractmethod
    def draw(
        self,
        count: int,
        rng: Stream,
        *,
        device: str = "cpu",
        batch_size: int = 256,
        threads: int | None = None,
        advance: Progress = silent,
        label_weights: Array | None = None,
    ) -> Samples:
        """Draw ``count`` images; image ``i`` depends on ``rng`` and ``i`` alone, so fewer images are a prefix of more.

        A bank is drawn from without replacement and gives at most ``size`` images: an image is never its own
        duplicate. Labels of a conditional model are drawn from ``label_weights`` (uniform if not given); a labelled
        bank has the labels it has.
        """


class LatentModel(Sampler):
    """A model whose latent can be set: images = decode(z).

    Attributes:
        latent_shape: shape of one latent.
        value_range: what the network's output spans, mapped linearly to [0, 1]; ``None``: used as it is.
        stochastic: whether ``decode`` draws noise of its own from torch's generators.
        coupled: whether an image depends on the latents that are decoded beside it.
        points: whether it makes rows of D numbers, as images (D, 1, 1) of any values, and no pictures.
    """

    latent_shape: tuple[int, ...]
    value_range: tuple[float, float] | None
    stochastic: bool = False
    coupled: bool = False
    points: bool = False

    @abstractmethod
    def log_prior(self, z: torch.Tensor) -> torch.Tensor:
        """Log density of latents (n, *latent_shape) under the prior, in nats: (n,)."""

    @abstractmethod
    def sample_prior(self, count: int, rng: Stream) -> torch.Tensor:
        """Latents (count, *latent_shape), float32 on the CPU; latent ``i`` depends on ``rng`` and ``i`` alone."""

    def later_latents(self, first: int, count: int, rng: Stream) -> torch.Tensor:
        """Latents ``first`` to ``first + count`` of ``sample_prior``, without those before where that can be."""
        return self.sample_prior(first + count, rng)[first:]

    @abstractmethod
    def decode(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W) of latents (n, *latent_shape), in [0, 1] where there is a value range; differentiable."""

    @property
    def identity(self) -> str:
        """What decides its images: the weights, and how they are used. Code of a module's own is not looked at."""
        used = (self.kind, self.image_shape, self.latent_shape, self.value_range, self.classes)
        return repr((self.fingerprint, *used, str(getattr(self, "prior", None))))

    def replicas(self, count: int) -> Sequence[Self]:
        """Return up to ``count`` models that may decode at the same time in different threads."""
        return [self] * count

    def draw(
        self,
        count: int,
        rng: Stream,
        *,
        device: str = "cpu",
        batch_size: int = 256,
        threads: int | None = None,
        advance: Progress = silent,
        label_weights: Array | None = None,
        first: int = 0,
    ) -> Samples:
        """Decode latents drawn from the prior.

        The network always sees whole units of ``parallel.UNIT`` images on one thread each, so the images are the
        same bit for bit whatever the batch size (from ``UNIT`` up; any at all, where an image depends on more than
        its latent) and the number of threads, and fewer images are a prefix of more. With a value range, pixels are
        clipped to it and rounded to 8 bits. ``first`` is the number of the first image, a multiple of ``UNIT``: so
        parts of a long draw are drawn by themselves.

        Raises:
            UsageError: ``count`` or ``batch_size`` is below 1, ``first`` is no multiple, or ``label_weights`` do not
                fit the classes.
            ModelError: the network failed, or made something that is not images of ``image_shape``.
        """
        unit = unit_size(self, count, batch_size)
        padded = -(-count // unit) * unit
        labels = draw_labels(padded, self.classes, label_weights, rng, first)
        latents = self.later_latents(first, padded, rng)
        pixels = decode_units(
            self, count, latents, labels, rng, device=device, batch_size=batch_size, threads=threads, advance=advance,
            first=first,
        )  # fmt: skip
        kept = None if labels is None else labels[:count]
        return Samples(pixels.images, kept, pixels.finite, self.notes + pixel_notes(pixels), self.points)
