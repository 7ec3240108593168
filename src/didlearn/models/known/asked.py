"""Asking a module's own method, in the units and on the device that the module computes in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from didlearn.errors import DidlearnError, ModelError, first_line
from didlearn.models.base import LatentModel
from didlearn.models.module import ModuleModel


def own_method(model: LatentModel, name: str) -> Callable[..., Any] | None:
    """Return the method of the model, or of its module, that has this name."""
    method = getattr(model.module if isinstance(model, ModuleModel) else model, name, None)
    return method if callable(method) else None


def asked_of(model: LatentModel, name: str, images: Tensor, labels: Tensor | None = None) -> object:
    """Return what the method ``name`` says of images (n, C, H, W) in [0, 1], or as they are without a value range.

    Raises:
        ModelError: it fails.
    """
    method = own_method(model, name)
    assert method is not None, f"{model.name} has no {name}"
    x = images
    try:
        if isinstance(model, ModuleModel):
            _bring(model, images.device)
            x = to_output(model, images).to(model.network.dtype)
        return method(x) if labels is None else method(x, labels)
    except DidlearnError:
        raise
    except Exception as error:
        raise ModelError(f"{model.name}: {name} failed on {len(images)} images: {first_line(error)}") from error


def _bring(model: ModuleModel, device: torch.device) -> None:
    """Move the module to a device, as decoding there would."""
    if model.network.device != device:
        model.module.to(device)
        model.network.device = device


def to_output(model: LatentModel, images: Tensor) -> Tensor:
    """Return images in the units of the network's output; points as the rows (n, D) that it makes."""
    if model.points:
        return images.flatten(1)
    if model.value_range is None:
        return images
    low, high = model.value_range
    return low + (high - low) * images


def log_unit(model: LatentModel) -> float:
    """Return log ∂(output)/∂(image) of all pixels: what is added to a density per unit of the network's output."""
    if model.value_range is None or not isinstance(model, ModuleModel):
        return 0.0
    low, high = model.value_range
    return math.prod(model.image_shape) * math.log(high - low)
