"""The classifier whose top hidden layer serves as an embedding: three convolutions, two linear layers, a softmax."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

_WIDTHS = (32, 64, 64)
FEATURES = 128
LARGEST_SIDE = 64  # pixels: larger images are averaged down first
_STRIDED = 40  # pixels: larger images are halved by the first convolution too


class ClassifierNetwork(nn.Module):
    """Images (n, C, H, W) in [0, 1], any size from 8×8, to logits (n, classes).

    Each convolution is 3×3, batch-normalised, rectified and max-pooled by 2 while at least 4 pixels are left.

    Attributes:
        mean, std: (C, 1, 1) of the training pixels, subtracted and divided out.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.shrink = -(-max(height, width) // LARGEST_SIDE)
        sides = [-(-height // self.shrink), -(-width // self.shrink)]
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))
        stride = 2 if max(sides) > _STRIDED else 1
        sides = [(side + stride - 1) // stride for side in sides]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise((channels, *_WIDTHS)):
            layers += [nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
            stride = 1
            if min(sides) >= 4:
                layers.append(nn.MaxPool2d(2))
                sides = [side // 2 for side in sides]
        self.convolutions = nn.Sequential(*layers)
        self.hidden = nn.Linear(_WIDTHS[-1] * sides[0] * sides[1], FEATURES)
        self.logits = nn.Linear(FEATURES, classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the top hidden layer: (n, FEATURES), nonnegative."""
        if self.shrink > 1:
            images = functional.avg_pool2d(images, self.shrink, ceil_mode=True)
        maps = self.convolutions((images - self.mean) / self.std)
        return functional.relu(self.hidden(maps.flatten(1)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.logits(self.features(images))


def draw_weights(network: ClassifierNetwork, generator: torch.Generator) -> None:
    """Draw the weights of every layer from ``generator`` (He et al. 2015), and set the biases to 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
