"""Linear layers with ReLU between them."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.models.architectures.base import OUTPUTS, RANGES, Architecture, ArchitectureArguments, Output, Width


class MlpArguments(ArchitectureArguments):
    """Widths of the hidden layers, and what follows the last."""

    name: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[Width, ...], Field(max_length=64)] = (256, 256)
    output: Output = "tanh"


class Mlp(Architecture):
    """Linear layers with ReLU between them."""

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = MlpArguments.model_validate(arguments)
        self.value_range = RANGES[given.output]
        widths = [self.width_in, *given.hidden]
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], math.prod(image_shape)), OUTPUTS[given.output]())

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W)."""
        return self.layers(self.joined(z, labels)).reshape(len(z), *self.image_shape)
