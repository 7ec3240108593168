"""Critics of images, and of images with their latents; and the weights that networks start from.

Scores are float32 also where the layers compute in bfloat16: losses need the digits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from didlearn.arrays import ImageShape
from didlearn.models.architectures.convolutions import Normalisation, halving


class Critic(nn.Module):
    """Images (n, C, H, W) in [-1, 1] to scores (n, outputs): four convolutions and a linear layer.

    The discriminator of Radford et al. 2016; ``width`` is the "dim" that Arora, Risteski & Zhang 2018 vary.
    """

    def __init__(self, shape: ImageShape, width: int, normalisation: Normalisation, outputs: int = 1) -> None:
        super().__init__()
        layers, features = halving(shape, width, normalisation)
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        return self.head(self.body(x)).float()


class JointCritic(nn.Module):
    """Images and latents (n, d) together to scores (n, 1): Donahue et al. 2017, Dumoulin et al. 2017."""

    def __init__(self, shape: ImageShape, latent: int, width: int) -> None:
        super().__init__()
        layers, features = halving(shape, width, "batch")
        hidden = 8 * width
        self.image = nn.Sequential(*layers, nn.Flatten())
        self.latent = nn.Sequential(
            nn.Linear(latent, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)
        )
        self.head = nn.Sequential(nn.Linear(features + hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the scores."""
        return self.head(torch.cat([self.image(x), self.latent(z)], dim=1)).float()


_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def initialise(network: nn.Module, generator: torch.Generator, spread: float | None = 0.02) -> None:
    """Draw every layer's weights from ``generator``, and set biases to 0.

    Args:
        network: whose weights are drawn.
        generator: on the CPU, where the weights must be.
        spread: standard deviation of normal weights (0.02: Radford et al. 2016); ``None``: that of He et al. 2015,
            √(2 / inputs). Batch normalisation scales by N(1, 0.02).
    """
    for layer in network.modules():
        if isinstance(layer, _WEIGHTED):
            if spread is None:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            else:
                nn.init.normal_(layer.weight, 0, spread, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.normal_(layer.weight, 1, 0.02, generator=generator)
            nn.init.zeros_(layer.bias)
