"""The encoder that a module brings: ``encode``, x -> (mean, log variance) of q(z|x), or x -> z (a BiGAN's)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from didlearn.errors import UsageError
from didlearn.models.base import LatentModel
from didlearn.models.module import ModuleModel
from didlearn.models.prior import prior_of

Encode = Callable[[Tensor], "tuple[Tensor, Tensor] | Tensor"]


def encoder_of(model: LatentModel) -> Encode | None:
    """Return the method ``encode`` of a module with normal latents and no classes' labels beside, or ``None``."""
    if not isinstance(model, ModuleModel) or prior_of(model) != "normal":
        return None
    encoder = getattr(model.module, "encode", None)
    return encoder if callable(encoder) else None


@torch.no_grad()
def by_encoder(model: LatentModel, images: Tensor) -> tuple[Tensor, Tensor | None] | None:
    """Return the encoder's mean (n, d) and log variance of images (n, C, H, W) as decoded; ``None`` without an encoder.

    Raises:
        UsageError: it gives something else.
    """
    encoder = encoder_of(model)
    if encoder is None:
        return None
    low, high = model.value_range or (0.0, 1.0)
    found = encoder(images.flatten(1) if model.points else low + (high - low) * images)
    mean, log_variance = found if isinstance(found, tuple) else (found, None)
    size = len(images) * torch.Size(model.latent_shape).numel()
    if mean.numel() != size or (log_variance is not None and log_variance.shape != mean.shape):
        other = "" if log_variance is None else f" and {tuple(log_variance.shape)}"
        raise UsageError(f"{model.name}: encode(x) gave shapes {tuple(mean.shape)}{other}")
    flat = None if log_variance is None else log_variance.reshape(len(images), -1)
    return mean.reshape(len(images), -1), flat
