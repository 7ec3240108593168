"""A generator that has learned images by heart."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from didlearn.arrays import ImageShape
from didlearn.models.architectures.base import Architecture, ArchitectureArguments


class MemoryArguments(ArchitectureArguments):
    """How many images are stored."""

    name: Literal["memory"] = "memory"
    items: Annotated[int, Field(ge=1, le=2**27)]


class Memory(Architecture):
    """A generator that has memorised: images = softmax(β K z) V, with a key and an image per stored item.

    With a large inverse temperature β it shows the item whose key suits the latent best; with a smaller one, mixtures.
    """

    value_range: tuple[float, float] | None

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = MemoryArguments.model_validate(arguments)
        self.value_range = (0, 1)
        self.keys = nn.Parameter(torch.zeros(given.items, self.width_in))
        self.values = nn.Parameter(torch.zeros(given.items, math.prod(image_shape)))
        self.inverse_temperature = nn.Parameter(torch.ones(()))

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W)."""
        shares = (self.inverse_temperature * self.joined(z, labels) @ self.keys.T).softmax(dim=1)
        return (shares @ self.values).reshape(len(z), *self.image_shape)

    LABEL_KEY: ClassVar[float] = 100.0

    @classmethod
    def of(
        cls,
        images: torch.Tensor,
        latent: int,
        inverse_temperature: float,
        generator: torch.Generator,
        labels: torch.Tensor | None = None,
    ) -> Memory:
        """Store images (N, C, H, W) in [0, 1] under random keys of unit length.

        With labels (N,), a class is drawn from its own images alone.
        """
        classes = None if labels is None else int(labels.max()) + 1
        shape = (images.shape[1], images.shape[2], images.shape[3])
        memory = cls((latent,), shape, classes, items=len(images))
        keys = functional.normalize(torch.randn(len(images), latent, generator=generator), dim=1)
        if labels is not None:
            keys = torch.cat([keys, cls.LABEL_KEY * functional.one_hot(labels, classes or 0)], dim=1)
        with torch.no_grad():
            memory.keys.copy_(keys)
            memory.values.copy_(images.flatten(1))
            memory.inverse_temperature.fill_(inverse_temperature)
        return memory
