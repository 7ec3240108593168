"""Convolutions that halve an image until it is small: the body of discriminators and encoders."""

from __future__ import annotations

import math
from typing import Literal

from torch import nn

from didlearn.arrays import ImageShape

_LAYERS = 4
Normalisation = Literal["batch", "none"]


def halving(shape: ImageShape, width: int, normalisation: Normalisation) -> tuple[list[nn.Module], int]:
    """Return four convolutions of ``width``, 2·, 4· and 8·``width`` channels, and how many numbers leave them.

    Radford et al. 2016, and the discriminators that Arora, Risteski & Zhang 2018 vary: kernels of 4 and stride 2
    while a side has at least 4 pixels, kernels of 3 afterwards; leaky ReLU of slope 0.2; batch normalisation
    everywhere but behind the first.
    """
    channels, *sides = shape
    layers: list[nn.Module] = []
    for depth in range(_LAYERS):
        made = width * 2**depth
        if min(sides) >= 4:
            layers.append(nn.Conv2d(channels, made, 4, 2, 1))
            sides = [side // 2 for side in sides]
        else:
            layers.append(nn.Conv2d(channels, made, 3, 1, 1))
        if normalisation == "batch" and depth:
            layers.append(nn.BatchNorm2d(made))
        layers.append(nn.LeakyReLU(0.2))
        channels = made
    return layers, channels * math.prod(sides)
