"""Images whose place on or off the manifold is known: what a search is tested on before it is believed."""

from __future__ import annotations

import numpy as np
import torch

from didlearn.arrays import Floats, Ints, Singles
from didlearn.models.base import LatentModel
from didlearn.models.drawing import draw_labels
from didlearn.models.latents.coordinates import in_normal_coordinates
from didlearn.models.latents.fixed_noise import with_fixed_noise
from didlearn.parallel import UNIT, single_threaded
from didlearn.rng import Stream


def planted(model: LatentModel, count: int, rng: Stream, device: str, radius: float = 1.0) -> Singles:
    """Decode ``count`` prior draws, scaled by ``radius``: (count, C, H, W) float32, exactly on the manifold.

    Noise of the network's own is fixed. A prior that is a map of normal latents is scaled in these.
    """
    model = in_normal_coordinates(with_fixed_noise(model))
    z = model.sample_prior(count, rng) * radius
    labels = draw_labels(count, model.classes, None, rng)
    images = []
    for start in range(0, count, UNIT):
        y = None if labels is None else torch.from_numpy(labels[start : start + UNIT]).to(device)
        with single_threaded(), torch.no_grad():
            images.append(model.decode(z[start : start + UNIT].to(device), y).cpu().numpy())
    return np.concatenate(images)


def planted_labels(model: LatentModel, count: int, rng: Stream) -> Ints | None:
    """Return the classes (count,) of the images that ``planted`` decodes with the same arguments."""
    return draw_labels(count, model.classes, None, rng)


def with_noise(images: Singles, squared: float, rng: np.random.Generator) -> tuple[Singles, Floats]:
    """Add white noise with mean square ``squared``; return the images and the mean square each got, (n,)."""
    noise = rng.standard_normal(images.shape, dtype=np.float32) * np.float32(np.sqrt(squared))
    return images + noise, np.square(noise.astype(np.float64)).reshape(len(images), -1).mean(axis=1)


def shuffled(images: Singles, rng: np.random.Generator) -> Singles:
    """Shuffle each image's pixels: white noise with the mean and variance (every moment) of that image."""
    flat = images.reshape(len(images), -1)
    return rng.permuted(flat, axis=1).reshape(images.shape)


def shuffled_columns(points: Singles, rng: np.random.Generator) -> Singles:
    """Shuffle each column of points (n, D, 1, 1): noise with the law of every number, and none of what ties them."""
    flat = points.reshape(len(points), -1)
    return rng.permuted(flat, axis=0).reshape(points.shape)


def shifted(images: Singles, pixels: int) -> Singles:
    """Move images (n, C, H, W) right and down, repeating the border."""
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, 0), (pixels, 0)), mode="edge")
    return padded[:, :, : images.shape[2], : images.shape[3]]


def phase_noise(images: Singles, rng: np.random.Generator) -> Singles:
    """Give each image random phases: noise with that image's power spectrum, mean and variance.

    The phases are those of white noise, so that the result is real; pixels may leave [0, 1].
    """
    white = np.fft.rfft2(rng.standard_normal(images.shape))
    phase = white / np.maximum(np.abs(white), 1e-12)
    spectrum = np.fft.rfft2(images)
    phase[..., 0, 0] = 1  # the mean stays
    noise: Floats = np.fft.irfft2(np.abs(spectrum) * phase, s=images.shape[-2:])
    return noise.astype(np.float32)
