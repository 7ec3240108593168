"""A linear flow: a normalizing flow whose density, alone and under noise, is a closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from didlearn.models.oracles import PPCA


class LinearFlow(PPCA):
    """x = W z + b with W square and invertible: N(b, W Wᵀ), and N(b, W Wᵀ + σ² I) under noise.

    Args:
        W: (D, D). b: (D,). image_shape: (C, H, W) with D pixels.
    """

    def encode(self, x: Tensor) -> Tensor:
        """The latents W⁻¹ (x − b) of images (n, C, H, W): (n, D)."""
        return torch.linalg.solve(self.W.to(x), (x.flatten(1) - self.b.to(x)).T).T

    def log_density(self, x: Tensor) -> Tensor:
        """Log N(x; b, W Wᵀ) of images (n, C, H, W), in nats: (n,)."""
        return self.log_prior(self.encode(x.double())) - torch.linalg.slogdet(self.W.double()).logabsdet
