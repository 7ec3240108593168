"""The path from a start distribution to the posterior, in coordinates where the start is standard normal.

z = center + A u with Aᵀ P_start A = I and Aᵀ P A = diag(λ), P_start and P being the precisions of the start and of the
Gaussian fit to the posterior. Along f_β the precision is then diag(1 − β + β λ): one diagonal mass matrix for each
temperature, and no product with a matrix beyond the two that carry u to z and gradients back.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from didlearn.inference.hmc import State
from didlearn.inference.laplace import Laplace
from didlearn.inference.likelihood import Likelihood


class Frame(NamedTuple):
    """Coordinates of a path.

    Attributes:
        center: (n, d) mean of the start. basis: (n, d, d) A. log_det: (n,) log |det A|.
        precision: (n, d) λ. offset: (n, d) the posterior's mode in these coordinates.
        prior_weight: share of the prior mixed into the start.
        centers: (n, M, d) in these coordinates, and shares: (n, M), of the normal components of the start.
    """

    center: Tensor
    basis: Tensor
    log_det: Tensor
    precision: Tensor
    offset: Tensor
    prior_weight: float
    centers: Tensor
    shares: Tensor

    def scale(self, beta: Tensor) -> Tensor:
        """(n, d) standard deviations along f_β, β (n,), of the Gaussian path: the inverse root of the mass."""
        return torch.lerp(torch.ones_like(self.precision), self.precision, beta[:, None]).rsqrt()


def make_frame(mean: Tensor, start_precision: Tensor, fit: Laplace | None) -> Frame:
    """Diagonalise a Gaussian start and the posterior together.

    Args:
        mean: (n, d) and start_precision: (n, d, d) of the start. fit: of the posterior; ``None``: as wide as the start.
    """
    factor = torch.linalg.cholesky(start_precision)
    zero, one = torch.zeros_like(mean)[:, None], torch.ones_like(mean)[:, :1]
    if fit is None:
        inverse = torch.linalg.inv(factor).transpose(1, 2)
        return Frame(mean, inverse, _log_det(factor), torch.ones_like(mean), zero[:, 0], 0.0, zero, one)
    half = torch.linalg.solve_triangular(factor, fit.precision, upper=False)
    whitened = torch.linalg.solve_triangular(factor, half.transpose(1, 2), upper=False)
    precision, U = torch.linalg.eigh((whitened + whitened.transpose(1, 2)) / 2)
    basis = torch.linalg.solve_triangular(factor.transpose(1, 2), U, upper=True)
    offset = _locate(mean, basis, fit.mean[:, None])[:, 0]
    return Frame(mean, basis, _log_det(factor), precision.clamp(min=1e-6), offset, 0.0, zero, one)


def mix(frame: Frame, fit: Laplace, prior_weight: float) -> Frame:
    """Put a component of the same shape at every mode found, and the prior besides, into the start."""
    centers = _locate(frame.center, frame.basis, fit.modes)
    return frame._replace(prior_weight=prior_weight, centers=centers, shares=fit.shares)


def _locate(center: Tensor, basis: Tensor, z: Tensor) -> Tensor:
    return torch.linalg.solve(basis, (z - center[:, None]).transpose(1, 2)).transpose(1, 2)


def _log_det(factor: Tensor) -> Tensor:
    return -factor.diagonal(dim1=1, dim2=2).log().sum(-1)


class Path:
    """Evaluates both ends of the path, and draws from its start.

    Args:
        likelihood: of the images. frame: the coordinates.

    Attributes:
        evaluations: how often every chain's gradient has been computed.
    """

    def __init__(self, likelihood: Likelihood, frame: Frame) -> None:
        self.likelihood, self.frame, self.evaluations = likelihood, frame, 0
        self._constant = likelihood.latent_size / 2 * math.log(2 * math.pi)

    def __call__(self, u: Tensor) -> State:
        """Return the state at u (n, k, d): log densities in u of the start, normalised, and of p(z)p(x|z)."""
        self.evaluations += 1
        frame = self.frame
        z = torch.baddbmm(frame.center[:, None], u, frame.basis.transpose(1, 2))
        likelihood, score = self.likelihood(z)
        prior = frame.log_det[:, None] - z.square().sum(-1) / 2 - self._constant
        target = torch.bmm(score - z, frame.basis)
        start, start_gradient = self._normal(u)
        if frame.prior_weight:
            start, start_gradient = self._mix(start, start_gradient, prior, torch.bmm(-z, frame.basis))
        return State(u, start, prior + likelihood, start_gradient, target)

    def _normal(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Log density and gradient of the normal components together."""
        centers, shares = self.frame.centers, self.frame.shares
        if centers.shape[1] == 1:
            away = centers - u
            return -away.square().sum(-1) / 2 - self._constant, away
        square = -torch.cdist(u, centers, compute_mode="donot_use_mm_for_euclid_dist").square() / 2
        joint = square + shares.log()[:, None]
        return joint.logsumexp(-1) - self._constant, torch.bmm(joint.softmax(-1), centers) - u

    def _mix(
        self, narrow: Tensor, narrow_gradient: Tensor, wide: Tensor, wide_gradient: Tensor
    ) -> tuple[Tensor, Tensor]:
        weight = self.frame.prior_weight
        narrow, wide = narrow + math.log1p(-weight), wide + math.log(weight)
        share = torch.sigmoid(wide - narrow)[..., None]
        return torch.logaddexp(narrow, wide), torch.lerp(narrow_gradient, wide_gradient, share)

    def draw(self, chains: int, generator: torch.Generator) -> Tensor:
        """Draw (n, chains, d) positions from the start."""
        frame = self.frame
        n, d = frame.center.shape
        normal = torch.randn((n, chains, d), generator=generator, dtype=torch.float64).to(frame.center.device)
        component = torch.multinomial(frame.shares.cpu(), chains, replacement=True, generator=generator)
        center = frame.centers.gather(1, component.to(normal.device)[..., None].expand_as(normal))
        wide = torch.rand((n, chains), generator=generator, dtype=torch.float64) < frame.prior_weight
        return torch.where(wide.to(normal.device)[..., None], self.locate(normal), normal + center)

    def locate(self, z: Tensor) -> Tensor:
        """Return the coordinates u of latents z (n, k, d)."""
        return _locate(self.frame.center, self.frame.basis, z)
