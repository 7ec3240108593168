"""What every network that a model folder can hold has in common."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from didlearn.arrays import ImageShape

Width = Annotated[int, Field(ge=1, le=2**20)]
Output = Literal["tanh", "sigmoid", "linear"]
OUTPUTS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "linear": nn.Identity}
RANGES: dict[str, tuple[float, float] | None] = {"tanh": (-1, 1), "sigmoid": (0, 1), "linear": None}


class ArchitectureArguments(BaseModel):
    """What of an architecture is not told by the shapes of its latent and its images."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Architecture(nn.Module):
    """A network that a model folder can hold.

    A label is one-hot and appended to the flattened latent.
    """

    arguments: ArchitectureArguments
    prior = "normal"

    def __init__(self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.image_shape: ImageShape = (channels, height, width)
        self.latent_shape, self.classes = tuple(latent_shape), classes
        self.value_range: tuple[float, float] | None = None
        self.width_in = math.prod(self.latent_shape) + (classes or 0)

    def joined(self, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (n, *latent_shape) and labels (n,) as (n, d + classes)."""
        flat = z.flatten(1)
        if self.classes is None:
            return flat
        assert labels is not None, "a conditional network is called with labels"
        return torch.cat([flat, functional.one_hot(labels, self.classes).to(flat.dtype)], dim=1)
