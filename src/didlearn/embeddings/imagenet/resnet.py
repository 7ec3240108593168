"""ResNet-50, in plain torch: bottlenecks of three convolutions, the second of which carries the stride.

Module names are torchvision's, so that the weights everybody has can be loaded. Source of the layers: He et al. 2016,
arXiv 1512.03385, Table 1; the stride as torchvision has it ("v1.5").
"""

# ruff: noqa: D102  (a network's docstring says what its forward does)
from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # width, blocks, stride of the first
_EXPANSION = 4


def _conv(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False)


class Bottleneck(nn.Module):
    """Narrow, 3×3, widen; added to the input, which is projected where its shape is another."""

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        n_out = _EXPANSION * width
        self.conv1, self.bn1 = _conv(n_in, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, n_out, 1), nn.BatchNorm2d(n_out)
        same = n_in == n_out and stride == 1
        self.downsample = None if same else nn.Sequential(_conv(n_in, n_out, 1, stride), nn.BatchNorm2d(n_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        narrow = functional.relu(self.bn1(self.conv1(x)))
        wide = self.bn3(self.conv3(functional.relu(self.bn2(self.conv2(narrow)))))
        return functional.relu(wide + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """Normalised images (n, 3, H, W) to the (n, 2048) averages of the last stage's maps."""

    head = "fc"

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        n_in, stages = 64, []
        for width, blocks, stride in _STAGES:
            firsts = [Bottleneck(n_in, width, stride)]
            n_in = _EXPANSION * width
            stages.append(nn.Sequential(*firsts, *(Bottleneck(n_in, width, 1) for _ in range(blocks - 1))))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.fc = nn.Linear(n_in, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3))
