"""Where points may lie: everywhere, in a ball, or in a box."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Domain:
    """The points z (n, d) with ‖z‖ ≤ radius and |z_i| ≤ bound."""

    radius: float = math.inf
    bound: float = math.inf

    def project(self, z: Tensor) -> Tensor:
        """Return the nearest point of the domain to each row (radius and bound are never both finite)."""
        if self.bound < math.inf:
            return z.clamp(-self.bound, self.bound)
        if self.radius < math.inf:
            return z * (self.radius / torch.linalg.vector_norm(z, dim=1, keepdim=True)).clamp(max=1)
        return z

    def free(self, z: Tensor, gradient: Tensor) -> Tensor:
        """Return ``gradient`` (n, d) without the parts that point out of the domain at its border."""
        if self.bound < math.inf:
            stuck = (z.abs() >= self.bound) & (z.sign() * gradient < 0)
            return gradient.masked_fill(stuck, 0)
        if self.radius < math.inf:
            length = torch.linalg.vector_norm(z, dim=1, keepdim=True)
            normal = (z / length.clamp(min=1e-30)).to(gradient.dtype)
            outward = (gradient * normal).sum(dim=1, keepdim=True)
            stuck = (length >= self.radius * (1 - 1e-6)) & (outward < 0)
            return torch.where(stuck, gradient - outward * normal, gradient)
        return gradient
