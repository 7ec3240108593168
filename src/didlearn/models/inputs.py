"""Images, labels and models as users hand them in, looked over before anything is computed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from didlearn.arrays import ArrayOrTensor
from didlearn.errors import ModelError, NotFiniteError, UsageError
from didlearn.models.base import LatentModel
from didlearn.models.latents.fixed_noise import with_fixed_noise

_ROUNDING = 1e-6


def require_decoder(model: LatentModel) -> LatentModel:
    """Return the model, its own noise fixed; refuse what makes no image of a latent, or not always the same one.

    Raises:
        UsageError: the model has no latent. ModelError: its noise cannot be fixed, or it looks at other latents.
    """
    if not isinstance(model, LatentModel):
        raise UsageError(f"a model whose latent can be set is needed; {getattr(model, 'name', model)} has none")
    if model.coupled:
        raise ModelError(
            f"{model.name} decodes a latent to other images beside other latents, as where batch norm uses statistics "
            "of the batch: one latent does not give one image; save the network in evaluation mode"
        )
    return with_fixed_noise(model)


def images_of(model: LatentModel, x: ArrayOrTensor) -> torch.Tensor:
    """Return images (n, C, H, W) as float64 on the CPU; uint8 is divided by 255.

    Raises:
        UsageError: they have another shape than the model's. NotFiniteError: some pixels are no finite numbers.
    """
    images = x.detach().cpu() if isinstance(x, torch.Tensor) else torch.as_tensor(np.ascontiguousarray(x))
    if images.ndim != 4 or tuple(images.shape[1:]) != tuple(model.image_shape) or not len(images):
        wanted = ", ".join(map(str, model.image_shape))
        raise UsageError(f"{model.name} makes images (n, {wanted}); x has the shape {tuple(images.shape)}")
    pixels = images.double() / (255 if images.dtype == torch.uint8 else 1)
    if not torch.isfinite(pixels).all():
        raise NotFiniteError("x holds NaN or infinite pixels; leave those images out")
    return pixels


def require_unit_range(pixels: torch.Tensor, because: str) -> None:
    """Refuse pixels outside [0, 1], saying ``because`` of what they may not be.

    Raises:
        UsageError: there are some.
    """
    low, high = float(pixels.min()), float(pixels.max())
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise UsageError(
            f"x spans {low:.3g} to {high:.3g}, and {because} lie in [0, 1]; give uint8, or floats divided by 255"
        )


def labels_of(model: LatentModel, labels: ArrayLike | None, count: int) -> torch.Tensor | None:
    """Return labels (n,) int64, ``None`` where none are given.

    Raises:
        UsageError: the model has no classes, or these are not ``count`` of them.
    """
    if labels is None:
        return None
    if model.classes is None:
        raise UsageError(f"{model.name} has no classes; leave labels out")
    chosen = torch.as_tensor(np.asarray(labels)).long()
    if chosen.shape != (count,) or int(chosen.min()) < 0 or int(chosen.max()) >= model.classes:
        raise UsageError(f"labels must be {count} numbers from 0 to {model.classes - 1}; got {labels!r}")
    return chosen
