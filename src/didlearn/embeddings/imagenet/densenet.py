"""DenseNet-201, in plain torch: every layer takes the maps of all layers before it.

Module names are torchvision's, so that the weights everybody has can be loaded. Source of the layers: Huang et al.
2017, arXiv 1608.06993, Table 1.
"""

# ruff: noqa: D102  (a network's docstring says what its forward does)
from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_BLOCKS = (6, 12, 48, 32)
_GROWTH = 32
_BOTTLENECK = 4 * _GROWTH
_FIRST = 64


class DenseLayer(nn.Module):
    """All maps so far to ``_GROWTH`` new ones, through a 1×1 and a 3×3 convolution."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(n_in), nn.Conv2d(n_in, _BOTTLENECK, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(_BOTTLENECK)
        self.conv2 = nn.Conv2d(_BOTTLENECK, _GROWTH, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        narrow = self.conv1(functional.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(functional.relu(self.norm2(narrow)))], 1)


class Transition(nn.Module):
    """Half as many maps of half the side."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(n_in), nn.Conv2d(n_in, n_in // 2, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2, 2)


class DenseNet201(nn.Module):
    """Normalised images (n, 3, H, W) to the (n, 1920) averages of the last maps, normalised and rectified."""

    head = "classifier"

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, _FIRST, 7, 2, 3, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(_FIRST))
        self.features.add_module("relu0", nn.ReLU())
        self.features.add_module("pool0", nn.MaxPool2d(3, 2, 1))
        maps = _FIRST
        for number, layers in enumerate(_BLOCKS, 1):
            block = nn.Sequential()
            for layer in range(layers):
                block.add_module(f"denselayer{layer + 1}", DenseLayer(maps + layer * _GROWTH))
            self.features.add_module(f"denseblock{number}", block)
            maps += layers * _GROWTH
            if number < len(_BLOCKS):
                self.features.add_module(f"transition{number}", Transition(maps))
                maps //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(maps))
        self.classifier = nn.Linear(maps, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.features(x)).mean(dim=(2, 3))
