"""A Gaussian's noise predictor in closed form: what samplers, inverses and densities are tested on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from didlearn.arrays import Floats, ImageShape


class GaussianNoise(nn.Module):
    """The best noise predictor for images N(m, C): E[ε | x_t] = √(1 − ᾱ) (ᾱ C + (1 − ᾱ) I)⁻¹ (x_t − √ᾱ m).

    Args:
        mean: (D,) m. covariance: (D, D) C. alphas: (T,) cumulated products at the times 0, 1, ….
        image_shape: (C, H, W) with D pixels.
    """

    def __init__(self, mean: Tensor, covariance: Tensor, alphas: Tensor, image_shape: ImageShape) -> None:
        super().__init__()
        values, vectors = torch.linalg.eigh(covariance.double())
        self.image_shape = image_shape
        self.register_buffer("mean", mean.double())
        self.register_buffer("values", values)
        self.register_buffer("vectors", vectors)
        self.register_buffer("alphas", torch.as_tensor(alphas, dtype=torch.float64))

    mean: Tensor
    values: Tensor
    vectors: Tensor
    alphas: Tensor

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Predict the noise (n, C, H, W) in x (n, C, H, W) at times (n,)."""
        alpha = self.alphas[t.round().long()][:, None]
        along = (x.double().flatten(1) - alpha.sqrt() * self.mean) @ self.vectors
        noise = (1 - alpha).sqrt() * along / (alpha * self.values + 1 - alpha)
        return (noise @ self.vectors.T).reshape(x.shape).to(x.dtype)

    def log_density(self, x: Tensor) -> Tensor:
        """Log N(x; m, C) of images (n, C, H, W), in nats: (n,) float64."""
        along = (x.double().flatten(1) - self.mean) @ self.vectors
        return -0.5 * (along.square() / self.values + (2 * torch.pi * self.values).log()).sum(dim=1)

    def sampled_log_density(self, x: Tensor, levels: Floats) -> Tensor:
        """Log density (n,) of what DDIM draws in steps through the cumulated products ``levels``, noise first.

        Every step is linear: along an eigenvector of C with the value λ, x̃ = x/√ᾱ less m moves by the factor
        1 + (σ′ − σ) σ / (λ + σ²), σ = √((1 − ᾱ)/ᾱ).
        """
        sigma = torch.from_numpy(np.sqrt((1 - levels) / levels))[:, None]
        factors = 1 + (sigma[1:] - sigma[:-1]) * sigma[:-1] / (self.values + sigma[:-1].square())
        first, last = float(levels[0]), float(levels[-1])
        spread = factors.prod(dim=0) * (last / first) ** 0.5
        # Noise of mean 0 where the images' own would be √ᾱ m: what is left of that stays.
        mean = (self.mean @ self.vectors) * last**0.5 * (1 - factors.prod(dim=0))
        along = x.double().flatten(1) @ self.vectors - mean
        return -0.5 * (along.square() / spread.square() + (2 * torch.pi * spread.square()).log()).sum(dim=1)
