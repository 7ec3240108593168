"""The stacked generator of Huang et al. 2017 ("SGAN"): class to features, features to image."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.models.architectures.base import Architecture, ArchitectureArguments, Width
from didlearn.models.architectures.dcgan import Dcgan, DcganArguments


class StackedArguments(ArchitectureArguments):
    """The lower generator's shape, the number of features between the two, and how much noise enters the upper one."""

    name: Literal["stacked"] = "stacked"
    lower: DcganArguments = DcganArguments()
    features: Width = 128
    hidden: Width = 256
    upper_noise: Annotated[int, Field(ge=1, le=2**16)] = 50


class Stacked(Architecture):
    """h = upper(class, z₁) ≥ 0, image = lower(h, z₀), with the latent z = (z₁, z₀)."""

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = StackedArguments.model_validate(arguments)
        lower_noise = latent_shape[0] - given.upper_noise
        if len(latent_shape) != 1 or lower_noise < 1 or classes is None:
            raise ValueError(f"a stacked generator needs classes and flat latents of more than {given.upper_noise}")
        self.upper = nn.Sequential(
            nn.Linear(given.upper_noise + classes, given.hidden),
            nn.BatchNorm1d(given.hidden),
            nn.ReLU(),
            nn.Linear(given.hidden, given.features),
            nn.Softplus(),
        )
        shape = given.lower.model_dump(exclude={"name"})
        self.lower = Dcgan((given.features + lower_noise,), image_shape, None, **shape)
        self.value_range = self.lower.value_range

    def features(self, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Features (n, h) of latents (n, d) and labels (n,)."""
        assert isinstance(self.arguments, StackedArguments)
        return self.upper(self.joined(z[:, : self.arguments.upper_noise], labels))

    def render(self, features: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Images (n, C, H, W) of features (n, h) and latents (n, d)."""
        assert isinstance(self.arguments, StackedArguments)
        return self.lower(torch.cat([features, z[:, self.arguments.upper_noise :]], dim=1))

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W)."""
        return self.render(self.features(z, labels), z)
