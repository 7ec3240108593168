"""What a latent model takes and gives, as the user or the module itself declares it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from didlearn.errors import DidlearnError, ModelError, UsageError
from didlearn.models.prior import Prior, check_prior, prior_shape


class LabelsError(ModelError):
    """A network takes other labels, or none, than it is called with: what it makes is not known yet."""


T = TypeVar("T")
D = TypeVar("D")
ValueRange = tuple[float, float] | None
INFER = "infer"


@dataclass(frozen=True)
class Interface:
    """What is known about a network's input and output before it is run.

    Attributes:
        latent_shape: shape of one latent, or ``None`` if nobody said.
        value_range: (low, high), ``None`` for output that is used as it is, or ``"infer"``.
        prior: of the latents. classes: how many, or ``None``. class_names: what they are called.
        image_shape: (C, H, W), or ``None`` if nobody said.
        notes: what was assumed. points: whether it makes rows (n, D), used as they are, and no images.
    """

    latent_shape: tuple[int, ...] | None
    value_range: ValueRange | str
    prior: Prior
    classes: int | None
    class_names: tuple[str, ...] | None
    image_shape: tuple[int, int, int] | None
    notes: tuple[str, ...] = ()
    points: bool = False


def declare(
    module: nn.Module,
    *,
    latent_shape: object,
    value_range: object,
    prior: object,
    classes: object,
    name: str,
    points: bool = False,
) -> Interface:
    """Read the interface: an argument goes before the module's attribute of the same name.

    Raises:
        UsageError: an argument cannot be used. ModelError: an attribute cannot be used.
    """
    if points:
        pixels: ValueRange | str | None = None
    elif value_range == INFER:
        pixels = _attribute(module, "value_range", _range_or_infer, INFER, name)
    else:
        pixels = check_range(value_range)
    law = check_prior(prior) if prior is not None else _attribute(module, "prior", check_prior, None, name)
    notes = () if law is not None else ("no prior was declared: standard normal latents were assumed",)
    law = "normal" if law is None else law
    found = check_classes(classes) if classes is not None else _attribute(module, "classes", check_classes, None, name)
    count, names = found or (None, None)
    if latent_shape is not None:
        shape: tuple[int, ...] | None = _check_latent_shape(latent_shape)
    else:
        shape = _attribute(module, "latent_shape", _check_latent_shape, prior_shape(law), name)
    image_shape = None if points else _attribute(module, "image_shape", _check_image_shape, None, name)
    return Interface(shape, pixels, law, count, names, image_shape, notes, points)


def _attribute(module: nn.Module, attribute: str, check: Callable[[object], T], default: D, name: str) -> T | D | None:
    value = getattr(module, attribute, default)
    # A layer, weight or method that happens to have the name says nothing about the interface.
    if value is default or isinstance(value, nn.Module | torch.Tensor) or callable(value):
        return default
    if value is None:
        return None
    try:
        return check(value)
    except DidlearnError as error:
        raise ModelError(f"{name}: its attribute {attribute} cannot be used: {error}") from None


def _range_or_infer(value: object) -> ValueRange | str:
    return INFER if value == INFER else check_range(value)


def _check_latent_shape(value: object) -> tuple[int, ...]:
    """Return a latent shape as a tuple; a single number ``d`` is ``(d,)``."""
    shape = _integers(value)
    if shape is None or not shape or min(shape) < 1:
        raise UsageError(f"the latent shape is {value!r}; give positive whole numbers, (100,) or (100, 1, 1)")
    return shape


def _check_image_shape(value: object) -> tuple[int, int, int]:
    """Return (C, H, W) with 1 or 3 channels."""
    shape = _integers(value)
    if shape is None or len(shape) != 3 or min(shape) < 1 or shape[0] not in (1, 3):
        raise UsageError(f"the image shape is {value!r}; give (C, H, W) with 1 or 3 channels, (3, 64, 64)")
    return (shape[0], shape[1], shape[2])


def check_range(value: object) -> ValueRange:
    """Return (low, high), or ``None``."""
    if value is None:
        return None
    numbers = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if len(numbers) == 2 and all(isinstance(v, int | float) and math.isfinite(v) for v in numbers):
        low, high = float(numbers[0]), float(numbers[1])
        if low < high:
            return (low, high)
    raise UsageError(
        f"the value range is {value!r}; give (low, high), (-1, 1) or (0, 1), or None to use output as it is"
    )


def check_classes(value: object) -> tuple[int, tuple[str, ...] | None]:
    """Return the number of classes and their names, from a number or from names."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value, None
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if names and all(isinstance(name, str) for name in names):
        return len(names), names
    raise UsageError(f"the classes are {value!r}; give how many there are, or their names")


def _integers(value: object) -> tuple[int, ...] | None:
    items = (value,) if isinstance(value, int) else value
    if not isinstance(items, list | tuple) or any(isinstance(i, bool) or not isinstance(i, int) for i in items):
        return None
    return tuple(items)
