"""The likelihood of one model, on images and at a noise that are the same for every model."""

from __future__ import annotations

import math

import numpy as np

from didlearn.arrays import Singles
from didlearn.checks.groups import pixels
from didlearn.errors import UsageError
from didlearn.images import Images
from didlearn.models.base import LatentModel
from didlearn.rng import Stream
from didlearn.statistics.means import mean
from didlearn.studies.annealed_bounds import annealed_bounds
from didlearn.studies.study import StudyRow, ends
from didlearn.studies.trained import Data


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
    return {name: ends(found) for name, found in numbers.items()}


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
