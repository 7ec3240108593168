"""Fidelity and likelihood of one model, on images and at a noise that are the same for every model."""

from __future__ import annotations

import math

import numpy as np

from didlearn.arrays import Singles
from didlearn.checks.groups import pixels
from didlearn.embeddings import embed
from didlearn.errors import ModelError, UsageError
from didlearn.images import Images
from didlearn.models.base import LatentModel
from didlearn.result.values import Estimate
from didlearn.rng import Stream
from didlearn.statistics.fidelity.frechet import frechet_influence
from didlearn.statistics.means import mean
from didlearn.studies.annealed_bounds import annealed_bounds
from didlearn.studies.study import StudyRow, Workplace
from didlearn.studies.trained import Data
from didlearn.zoo.training.watch import watching_embedding

_DRAWN = 2_000  # images of each side of the Fréchet distance, at most


def sample_distance(model: LatentModel, data: Data, rng: Stream, place: Workplace) -> Estimate:
    """Return the Fréchet distance of samples to held-out images, as many of each, with its interval.

    In a classifier's features, trained on the training images, or in pixels where there are no labels.

    Raises:
        ModelError: the model makes pixels that are no numbers.
    """
    embedding = watching_embedding(data.train, data.heldout, place.cache, place.device)
    heldout = data.heldout.some(_DRAWN, rng.numpy("heldout"))
    drawn = model.draw(len(heldout), rng.child("samples"), device=place.device, threads=1)
    if not drawn.finite.all():
        raise ModelError(f"{model.name} makes pixels that are no numbers")
    real, made = (embed(embedding, x, device=place.device, threads=1) for x in (heldout, drawn.images))
    return frechet_influence(real=real, generated=made).estimate(0.95, "interval by influence of each image")


def dequantised_heldout(heldout: Images, count: int, rng: Stream) -> Singles:
    """Return held-out images (n, C, H, W) with uniform noise of one grey level, (k + u)/256: the same for all models.

    A density of these bounds one of the 256 grey levels, so that nats turn into bits a dimension.
    """
    own = pixels(heldout.some(count, rng.numpy("images")))
    noise = rng.numpy("dequantisation").random(own.shape, dtype=np.float32)
    return np.asarray((np.rint(own * 255) + noise) / 256, dtype=np.float32)


def likelihood_entries(
    model: LatentModel, images: Singles, sigma: float, budget: int, seed: int, device: str
) -> StudyRow:
    """Return the lower bounds on log p_σ(x) of images (n, C, H, W), and how loose they may be.

    Returns:
        ``log_likelihood``: [mean, low, high] in nats. ``bits_per_dim``: the same in bits. ``gap``: of upper − lower
        bound on as many images that the model makes, in nats.
    """
    bounds = annealed_bounds(model, images, sigma, budget, seed, device)
    numbers = {
        "log_likelihood": mean(bounds.lower),
        "bits_per_dim": mean(8 - bounds.lower / (images[0].size * math.log(2))),
        "gap": mean(bounds.gap),
    }
    return {name: [found.value, found.low, found.high] for name, found in numbers.items()}


def require_density(model: object, source: str, data: Data) -> LatentModel:
    """Return the model, if its likelihood can be estimated and its images are the data's.

    Raises:
        UsageError: it has no latent, has classes, or makes images of another shape.
    """
    if not isinstance(model, LatentModel):
        raise UsageError(f"{source} has no latent, and so no likelihood; give a model folder or another latent model")
    if model.classes is not None:
        raise UsageError(f"{source} has {model.classes} classes; give models without, whose likelihood is one number")
    if model.image_shape != data.train.shape:
        raise UsageError(f"{source} makes images of {model.image_shape}, the data are {data.train.shape}")
    return model
