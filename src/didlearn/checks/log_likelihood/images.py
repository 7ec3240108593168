"""The images whose likelihood is asked for: dequantised real ones, and the model's own with their noise."""

from __future__ import annotations

import numpy as np
import torch

from didlearn.arrays import Array, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.image_classes import labelled_classes
from didlearn.checks.targets import planted, planted_labels
from didlearn.evidence.observation import make_observation
from didlearn.images.base import Images
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

_PIXEL_LEVELS = 256


def real_groups(subject: Subject, count: int, observation: str) -> dict[str, Singles]:
    """Return training, held-out and outside images, (n, C, H, W); those of another shape are left out."""
    return {name: _dequantised(subject, name, images, count, observation) for name, images in _sets(subject).items()}


def real_classes(subject: Subject, groups: dict[str, Singles], every: bool) -> dict[str, Ints | None]:
    """Return the classes (n,) that the images of ``real_groups`` are taken under; ``None``: none, or all of them."""
    return {
        name: labelled_classes(subject, _chosen(subject, name, images, len(groups[name])), groups[name], every)
        for name, images in _sets(subject).items()
    }


def _sets(subject: Subject) -> dict[str, Images]:
    assert subject.train is not None
    assert subject.heldout is not None
    return {"train": subject.train, "held-out": subject.heldout, **subject.comparable}


def _density(subject: Subject, name: str) -> Stream:
    return Stream(subject.seed, ("density", name))


def _chosen(subject: Subject, name: str, images: Images, count: int) -> Images:
    return images.some(count, _density(subject, name).numpy("which"))


def _dequantised(subject: Subject, name: str, images: Images, count: int, observation: str) -> Singles:
    """Return ``count`` images, dequantised except as Bernoulli means."""
    raw = chosen_raw(subject, name, images, count)
    if raw.dtype == np.uint8 and observation == "bernoulli":
        return raw.astype(np.float32) / np.float32(255)
    return dequantised(subject, name, raw)


def chosen_raw(subject: Subject, name: str, images: Images, count: int) -> Array:
    """Return the ``count`` images that a group's likelihood is asked of, as they are stored: (n, C, H, W)."""
    chosen = _chosen(subject, name, images, count)
    return chosen.read_raw(range(len(chosen)))


def dequantised(subject: Subject, name: str, raw: Array, draw: int = 0) -> Singles:
    """Return images as float32; 8-bit pixels k become (k + u)/256, u uniform on [0, 1), another one each ``draw``.

    A density has no value at a lattice: without the noise it could be made as large as one likes.
    """
    if raw.dtype != np.uint8:
        return raw.astype(np.float32)
    names = ("dequantisation",) if draw == 0 else ("dequantisation", draw)
    noise = _density(subject, name).numpy(*names).random(raw.shape)
    return ((raw + noise) / _PIXEL_LEVELS).astype(np.float32)


def own_images(subject: Subject, count: int, observation: str, sigma: float, name: str = "generated") -> Singles:
    """Draw ``count`` images of the model with its observation noise: what p(x) is the density of.

    Without the noise they would look (D − d)/2 nats too likely.
    """
    assert isinstance(subject.model, LatentModel)
    stream = _density(subject, name)
    clean = torch.from_numpy(planted(subject.model, count, stream, subject.device)).double()
    seen = make_observation(observation, sigma).sample(clean, stream.torch("noise"))
    noisy: Singles = seen.float().numpy()
    return noisy


def own_image_classes(subject: Subject, count: int, known: bool, name: str = "generated") -> Ints | None:
    """Return the classes (count,) of ``own_images``, where classes are ``known`` and not all of them tried."""
    assert isinstance(subject.model, LatentModel)
    return planted_labels(subject.model, count, _density(subject, name)) if known else None
