"""Laws whose samples are known: where images of the truth table come from, and what can be planted among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

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
        labels: whether the images have classes.
        narrowed: a latent dimension, a number of images and a source of randomness → images of the model with its other
            latents held at 0; ``None``: not a latent model.
    """

    name: str
    perfect: Sizes
    planted: Sizes | None
    draw: Callable[[int, Sizes], Sets]
    labels: bool = False
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

    return Law(name, perfect, planted, draw, labels=images.labels is not None)


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


Fault = Callable[[Sets, np.random.Generator], Bytes]


def mild(images: Bytes, rng: np.random.Generator) -> Bytes:
    """Change each image a little: one grey level of noise, 2 % of brightness."""
    gain = rng.uniform(0.98, 1.02, size=(len(images), 1, 1, 1))
    noise = rng.normal(0, 1, size=images.shape)
    return np.clip(np.rint(images * gain + noise), 0, 255).astype(np.uint8)


def collapse(pictures: int, share: float = 1.0) -> Fault:
    """Draw a share of the mass from so many pictures, each time changed mildly.

    Only pictures that come need be at hand: they are numbered as they are met.
    """

    def plant(sets: Sets, rng: np.random.Generator) -> Bytes:
        generated = sets.generated.copy()
        hit = rng.random(len(generated)) < share
        _, met = np.unique(rng.integers(pictures, size=int(hit.sum())), return_inverse=True)
        generated[hit] = sets.generated[met]
        return mild(generated, rng)

    return plant


def without_class(label: int, kept: float = 0.0) -> Fault:
    """Leave a class out, or keep a share of it; what is missing is filled up with the others."""

    def plant(sets: Sets, rng: np.random.Generator) -> Bytes:
        assert sets.generated_labels is not None
        stay = (sets.generated_labels != label) | (rng.random(len(sets.generated)) < kept)
        return sets.generated[stay]

    return plant


def copies(share: float) -> Fault:
    """Copy training images for a share of the samples, to the byte."""

    def plant(sets: Sets, rng: np.random.Generator) -> Bytes:
        generated = sets.generated.copy()
        hit = rng.random(len(generated)) < share
        generated[hit] = sets.train[rng.integers(len(sets.train), size=int(hit.sum()))]
        return generated

    return plant


def a_tenth(sets: Sets, rng: np.random.Generator) -> Bytes:
    """Make changed copies of a tenth of the training images, and nothing else."""
    few = sets.train[: len(sets.train) // 10]
    return mild(few[rng.integers(len(few), size=len(sets.generated))], rng)


def blur(sigma: float) -> Fault:
    """Blur by a Gaussian of so many pixels."""
    return lambda sets, _: np.rint(gaussian_filter(sets.generated.astype(float), (0, 0, sigma, sigma))).astype(np.uint8)


def noise(sd: float) -> Fault:
    """Add normal noise of so many grey levels."""

    def plant(sets: Sets, rng: np.random.Generator) -> Bytes:
        loud = sets.generated + rng.normal(0, sd, size=sets.generated.shape)
        return np.clip(np.rint(loud), 0, 255).astype(np.uint8)

    return plant


def brightness(gain: float) -> Fault:
    """Multiply all pixels."""
    return lambda sets, _: np.clip(np.rint(sets.generated * gain), 0, 255).astype(np.uint8)
