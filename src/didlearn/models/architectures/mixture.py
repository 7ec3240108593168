"""Several generators of which one is drawn for each image: MIX+GAN (Arora et al. 2017)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.models.architectures.base import Architecture, ArchitectureArguments
from didlearn.models.architectures.dcgan import Dcgan, DcganArguments


class MixtureArguments(ArchitectureArguments):
    """The generators' shape, and how many there are."""

    name: Literal["mixture"] = "mixture"
    part: DcganArguments = DcganArguments()
    parts: Annotated[int, Field(ge=1, le=64)] = 3


class Mixture(Architecture):
    """Generators of equal shape under weights softmax(``logits``); the last latent coordinate says which one draws.

    That coordinate u ~ N(0, 1) is turned into Φ(u), uniform on [0, 1], which falls into the interval of one
    generator: each draws its weight's share of the images.
    """

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        if len(latent_shape) != 1 or latent_shape[0] < 2 or classes is not None:
            raise ValueError("a mixture's latents are flat, (d + 1,), and have no classes")
        self.arguments = given = MixtureArguments.model_validate(arguments)
        inner = (latent_shape[0] - 1,)
        shape = given.part.model_dump(exclude={"name"})
        self.generators = nn.ModuleList(Dcgan(inner, image_shape, None, **shape) for _ in range(given.parts))
        self.logits = nn.Parameter(torch.zeros(given.parts))
        self.value_range = Dcgan(inner, image_shape, None, **shape).value_range

    def chosen(self, z: torch.Tensor) -> torch.Tensor:
        """Return which generator draws each of the latents (n, d + 1): (n,) int64."""
        edges = self.logits.softmax(dim=0).cumsum(dim=0)[:-1]
        return torch.bucketize(torch.special.ndtr(z[:, -1]), edges)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Images (n, C, H, W) of latents (n, d + 1)."""
        part = self.chosen(z)
        drawn = torch.stack([generator(z[:, :-1]) for generator in self.generators])
        return drawn[part, torch.arange(len(z), device=z.device)]
