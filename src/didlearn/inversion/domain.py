"""Where latents may lie: everywhere, in a ball, or in the box of a uniform prior."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.stats import chi2

from didlearn.errors import UsageError
from didlearn.models.base import LatentModel


@dataclass(frozen=True)
class Domain:
    """The points z (n, d) with ‖z‖ ≤ radius and |z_i| ≤ bound."""

    radius: float = math.inf
    bound: float = math.inf

    def project(self, z: torch.Tensor) -> torch.Tensor:
        """Return the nearest point of the domain to each row (radius and bound are never both finite)."""
        if self.bound < math.inf:
            return z.clamp(-self.bound, self.bound)
        if self.radius < math.inf:
            return z * (self.radius / torch.linalg.vector_norm(z, dim=1, keepdim=True)).clamp(max=1)
        return z

    def free(self, z: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
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


def domain_of(model: LatentModel, clip: float | None) -> Domain:
    """Return where the model's latents may lie.

    The support of a uniform prior is a box that latents never leave: outside it, images are not the model's.
    ``clip``: of a normal prior, the ball that holds this share of it, ‖z‖² ≤ χ²_d quantile.

    Raises:
        UsageError: ``clip`` is not a share, or the prior is not normal.
    """
    prior = prior_name(model)
    if clip is None:
        return Domain(bound=1.0 if prior == "uniform" else math.inf)
    if prior != "normal" or not 0 < clip < 1:
        raise UsageError(
            f"clip={clip} with a {prior} prior; give a share between 0 and 1 of a normal prior's mass, such as 0.99"
        )
    return Domain(radius=math.sqrt(float(chi2.ppf(clip, math.prod(model.latent_shape)))))


def prior_name(model: LatentModel) -> str:
    """Return "normal", "uniform" or "other"; a model that does not say is normal if its density is."""
    prior = getattr(model, "prior", None)
    if prior is None:
        z = torch.zeros(2, *model.latent_shape)
        z[1] = 1.0
        expected = torch.tensor([0.0, -math.prod(model.latent_shape) / 2])
        found = model.log_prior(z)
        return "normal" if torch.allclose(found - found[0], expected, rtol=1e-4, atol=1e-4) else "other"
    return prior if isinstance(prior, str) else "other"
