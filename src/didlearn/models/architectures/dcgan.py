"""The generator of Radford, Metz & Chintala 2016 ("DCGAN")."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.models.architectures.base import OUTPUTS, RANGES, Architecture, ArchitectureArguments, Output, Width


class DcganArguments(ArchitectureArguments):
    """Channels of the last hidden layer, how often the size doubles, and what follows the last layer."""

    name: Literal["dcgan"] = "dcgan"
    width: Width = 32
    blocks: Annotated[int, Field(ge=1, le=8)] = 3
    output: Output = "tanh"


class Dcgan(Architecture):
    """Radford et al. 2016: a first transposed convolution, then ``blocks`` that double the size and halve the channels.

    The first layer makes (width · 2^(blocks − 1), H / 2^blocks, W / 2^blocks); kernels of 4, stride 2, padding 1;
    batch normalisation and ReLU everywhere but behind the last.

    Raises:
        ValueError: the image's sides are no multiples of 2^blocks.
    """

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = DcganArguments.model_validate(arguments)
        self.value_range = RANGES[given.output]
        channels, height, width = image_shape
        if height % 2**given.blocks or width % 2**given.blocks:
            raise ValueError(f"{given.blocks} blocks need sides that are multiples of {2**given.blocks}")
        start = (height // 2**given.blocks, width // 2**given.blocks)
        widths = [given.width * 2**i for i in reversed(range(given.blocks))]
        layers: list[nn.Module] = [nn.ConvTranspose2d(self.width_in, widths[0], start, bias=False)]
        for n_in, n_out in itertools.pairwise(widths):
            layers += [nn.BatchNorm2d(n_in), nn.ReLU(), nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)]
        self.layers = nn.Sequential(*layers, OUTPUTS[given.output]())

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W)."""
        return self.layers(self.joined(z, labels)[:, :, None, None])
