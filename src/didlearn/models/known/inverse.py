"""Models whose latent is as large as their images: every image has one, and their own ``encode`` finds it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from didlearn.errors import ModelError
from didlearn.models.base import LatentModel
from didlearn.models.known.asked import asked_of, own_method
from didlearn.models.known.density import has_density
from didlearn.rng import Stream

_TRIED = 2


def fills_space(model: LatentModel) -> bool:
    """Tell whether every image is the image of a latent, so that no distance from the manifold says anything.

    So it is where the latent is as large as the image and the model has a density there, or its own inverse. Of any
    other network nothing is known: its images may lie on less.
    """
    if math.prod(model.latent_shape) != math.prod(model.image_shape) or model.classes is not None:
        return False
    return has_density(model) or has_inverse(model)


@torch.no_grad()
def has_inverse(model: LatentModel) -> bool:
    """Tell whether ``encode`` gives one latent for each image; that of an autoencoder gives a mean and a variance.

    Two images of the model's own are tried.
    """
    if own_method(model, "encode") is None or model.classes is not None:
        return False
    images = model.decode(model.sample_prior(_TRIED, Stream(0, ("inverse",))))
    try:
        found = asked_of(model, "encode", images)
    except ModelError:
        return False
    return isinstance(found, Tensor) and found.numel() == len(images) * math.prod(model.latent_shape)


@torch.no_grad()
def latents_of(model: LatentModel, images: Tensor) -> Tensor:
    """Return the latents (n, *latent_shape) of images (n, C, H, W) in [0, 1], by the model's own inverse.

    Raises:
        ModelError: it fails, or gives something else.
    """
    found = asked_of(model, "encode", images)
    if not isinstance(found, Tensor) or found.numel() != len(images) * math.prod(model.latent_shape):
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ModelError(
            f"{model.name}: encode gave {got} for {len(images)} images; (n, *{model.latent_shape}) was expected"
        )
    return found.reshape(len(images), *model.latent_shape).to(images.dtype)
