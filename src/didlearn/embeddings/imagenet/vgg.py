"""VGG-16 without batch normalisation, in plain torch.

Module names are torchvision's, so that the weights everybody has can be loaded. Source of the layers: Simonyan and
Zisserman 2015, arXiv 1409.1556, Table 1, column D.
"""

# ruff: noqa: D102  (a network's docstring says what its forward does)
from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # width, 3×3 convolutions before the pool
_MAPS = 7
_HIDDEN = 4096


class VGG16(nn.Module):
    """Normalised images (n, 3, H, W) to the (n, 4096) outputs of the second hidden layer, rectified."""

    head = "classifier.6"

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = 3
        for width, convolutions in _STAGES:
            for _ in range(convolutions):
                layers += [nn.Conv2d(n_in, width, 3, padding=1), nn.ReLU()]
                n_in = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(n_in * _MAPS**2, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(_HIDDEN, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = functional.adaptive_avg_pool2d(self.features(x), _MAPS)
        return self.classifier[:-1](maps.flatten(1))
