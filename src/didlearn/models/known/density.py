"""Models that know how dense their images are: ``log_density``."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from didlearn.errors import ModelError
from didlearn.models.base import LatentModel
from didlearn.models.known.asked import asked_of, log_unit, own_method


def has_density(model: LatentModel) -> bool:
    """Tell whether the model, or its module, has ``log_density``: images -> (n,) nats; with labels where it has any.

    A module is given images in the units of its ``value_range``, and gives the density per unit of these.
    """
    return own_method(model, "log_density") is not None


def is_estimated(model: LatentModel) -> bool:
    """Tell whether the density is a random estimate, as that of a trace is (the module's ``estimated_density``)."""
    module = getattr(model, "module", model)
    return bool(getattr(module, "estimated_density", False))


@torch.no_grad()
def own_log_density(model: LatentModel, images: Tensor) -> Tensor:
    """Return log p(x), in nats per unit of the range [0, 1] of a pixel, of images (n, C, H, W): (n,) float64.

    A class-conditional model is averaged over its classes.

    Raises:
        ModelError: the method fails, or gives no finite or no single number for each image.
    """
    if model.classes is None:
        return _asked(model, images, None) + log_unit(model)
    each = [
        _asked(model, images, torch.full((len(images),), label, device=images.device)) for label in range(model.classes)
    ]
    return torch.stack(each).logsumexp(dim=0) - math.log(model.classes) + log_unit(model)


def _asked(model: LatentModel, images: Tensor, labels: Tensor | None) -> Tensor:
    found = asked_of(model, "log_density", images, labels)
    if not isinstance(found, Tensor) or found.numel() != len(images):
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ModelError(f"{model.name}: log_density gave {got} for {len(images)} images; give one number for each")
    nats = found.detach().double().reshape(-1)
    if not torch.isfinite(nats).all():
        broken = int((~torch.isfinite(nats)).sum())
        raise ModelError(
            f"{model.name}: log_density is no finite number for {broken} of {len(nats)} images; give a density that is "
            "positive wherever a pixel lies between 0 and 1"
        )
    return nats
