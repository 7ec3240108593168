"""Laws whose samples are known: where images of the truth table come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from didlearn import open_model
from didlearn.arrays import Bytes, Ints
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit
from didlearn.models.base import LatentModel, Sampler
from didlearn.rng import Stream


class Sets(NamedTuple):
    """Independent images of one law: (n, C, H, W) uint8 each, with the classes of the training and generated ones."""

    train: Bytes
    heldout: Bytes
    generated: Bytes
    train_labels: Ints | None
    generated_labels: Ints | None


Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class Law:
    """Something that independent images can be drawn from.

    Attributes:
        name: of the row. perfect, planted: training, held-out and generated images of one audit, of a perfect
            generator and of one with a fault; ``None``: no fault is planted here.
        draw: seed and sizes → sets.
        labels: whether the images have classes. bank: whether they are real ones.
        narrowed: a latent dimension, a number of images and a source of randomness → images of the model with its other
            latents held at 0; ``None``: not a latent model.
    """

    name: str
    perfect: Sizes
    planted: Sizes | None
    draw: Callable[[int, Sizes], Sets]
    labels: bool = False
    bank: bool = False
    narrowed: Callable[[int, int, np.random.Generator], Bytes] | None = None


def real_law(name: str, images: Images, perfect: Sizes, planted: Sizes | None = None) -> Law:
    """Images of a real set, drawn without replacement: the generator is a bank of unseen ones."""
    everything = eight_bit(images.read_raw(range(len(images))))

    def draw(seed: int, sizes: Sizes) -> Sets:
        order = np.random.default_rng(seed).permutation(len(everything))[: sum(sizes)]
        pixels = everything[order]
        labels = None if images.labels is None else images.labels[order]
        ends = np.cumsum(sizes)
        train, heldout, generated = np.split(pixels, ends[:2])
        if labels is None:
            return Sets(train, heldout, generated, None, None)
        return Sets(train, heldout, generated, labels[: ends[0]], labels[ends[1] :])

    return Law(name, perfect, planted, draw, labels=images.labels is not None, bank=True)


def model_law(
    name: str, spec: str | Path, perfect: Sizes, planted: Sizes | None = None, trust_code: bool = False
) -> Law:
    """A generator's own samples as training, held-out and generated images: it is perfect by construction."""
    model: Sampler = open_model(spec, trust_code=trust_code)

    def draw(seed: int, sizes: Sizes) -> Sets:
        samples = model.draw(sum(sizes), Stream(seed, ("truth table",)))
        train, heldout, generated = np.split(eight_bit(samples.images), np.cumsum(sizes)[:2])
        return Sets(train, heldout, generated, None, None)

    return Law(
        name, perfect, planted, draw, narrowed=partial(_narrowed, model) if isinstance(model, LatentModel) else None
    )


def _narrowed(model: LatentModel, dimension: int, count: int, rng: np.random.Generator) -> Bytes:
    latents = np.zeros((count, *model.latent_shape), np.float32)
    latents.reshape(count, -1)[:, :dimension] = rng.normal(size=(count, dimension))
    pictures = [model.decode(torch.from_numpy(block)) for block in np.array_split(latents, count // 500 + 1)]
    return np.asarray(np.rint(255 * torch.cat(pictures).clamp(0, 1).numpy()), np.uint8)
