"""The images whose likelihood is asked for: dequantised real ones, and the model's own with their noise."""

from __future__ import annotations

import numpy as np
import torch

from didlearn.arrays import Array, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.targets import planted
from didlearn.evidence.observation import make_observation
from didlearn.images.base import Images
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

_PIXEL_LEVELS = 256


def real_groups(subject: Subject, count: int, observation: str) -> dict[str, Singles]:
    """Return training, held-out and outside images, (n, C, H, W); those of another shape are left out."""
    assert subject.train is not None
    assert subject.heldout is not None
    sets: dict[str, Images] = {"train": subject.train, "held-out": subject.heldout, **subject.comparable}
    return {name: _dequantised(subject, name, images, count, observation) for name, images in sets.items()}


def _dequantised(subject: Subject, name: str, images: Images, count: int, observation: str) -> Singles:
    """Return ``count`` images, dequantised except as Bernoulli means."""
    raw = chosen_raw(subject, name, images, count)
    if raw.dtype == np.uint8 and observation == "bernoulli":
        return raw.astype(np.float32) / np.float32(255)
    return dequantised(subject, name, raw)


def chosen_raw(subject: Subject, name: str, images: Images, count: int) -> Array:
    """Return the ``count`` images that a group's likelihood is asked of, as they are stored: (n, C, H, W)."""
    chosen = images.some(count, Stream(subject.seed, ("density", name)).numpy("which"))
    return chosen.read_raw(range(len(chosen)))


def dequantised(subject: Subject, name: str, raw: Array, draw: int = 0) -> Singles:
    """Return images as float32; 8-bit pixels k become (k + u)/256, u uniform on [0, 1), another one each ``draw``.

    A density has no value at a lattice: without the noise it could be made as large as one likes.
    """
    if raw.dtype != np.uint8:
        return raw.astype(np.float32)
    names = ("dequantisation",) if draw == 0 else ("dequantisation", draw)
    noise = Stream(subject.seed, ("density", name)).numpy(*names).random(raw.shape)
    return ((raw + noise) / _PIXEL_LEVELS).astype(np.float32)


def own_images(subject: Subject, count: int, observation: str, sigma: float, name: str = "generated") -> Singles:
    """Draw ``count`` images of the model with its observation noise: what p(x) is the density of.

    Without the noise they would look (D − d)/2 nats too likely.
    """
    assert isinstance(subject.model, LatentModel)
    stream = Stream(subject.seed, ("density", name))
    clean = torch.from_numpy(planted(subject.model, count, stream, subject.device)).double()
    seen = make_observation(observation, sigma).sample(clean, stream.torch("noise"))
    noisy: Singles = seen.float().numpy()
    return noisy
