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

from didlearn.evidence.hmc import State
from didlearn.evidence.laplace import LaplaceFit
from didlearn.evidence.likelihood import Likelihood

# Modes nearer than this, in standard deviations, are one; those worth less than the least share are left to the prior.
_MERGE, _LEAST = 1.0, 1e-4


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


def make_frame(mean: Tensor, start_precision: Tensor, fit: LaplaceFit | None) -> Frame:
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


def laplace_frame(fit: LaplaceFit, inflation: float) -> Frame:
    """Return the frame of a start N(mode, κ P⁻¹), κ the inflation: A = V diag(√(κ/e)) where P = V diag(e) Vᵀ."""
    e, V = torch.linalg.eigh(fit.precision)
    width = (inflation / e.clamp(min=1.0)).sqrt()
    zero, one = torch.zeros_like(e)[:, None], torch.ones_like(e)[:, :1]
    basis, log_det = V * width[:, None], width.log().sum(dim=1)
    return Frame(fit.mean, basis, log_det, torch.full_like(e, inflation), zero[:, 0], 0.0, zero, one)


def mix(frame: Frame, fit: LaplaceFit, prior_weight: float) -> Frame:
    """Put a component of the same shape at every mode found, and the prior besides, into a Laplace frame.

    Modes closer than ``_MERGE`` standard deviations to a better one are that one.
    """
    centers = _locate(frame.center, frame.basis, fit.modes)
    near = torch.cdist(centers, centers) < _MERGE
    same = near.double().argmax(dim=2)  # the first, hence the best
    shares = torch.zeros_like(fit.shares).scatter_add(1, same, fit.shares)
    shares = torch.where(shares < _LEAST, 0.0, shares)
    order = shares.argsort(dim=1, descending=True)[:, : max(1, int((shares > 0).sum(dim=1).max()))]
    shares = shares.gather(1, order)
    centers = centers.gather(1, order[..., None].expand(-1, -1, centers.shape[2]))
    shares = shares / shares.sum(dim=1, keepdim=True)
    return frame._replace(prior_weight=prior_weight, centers=centers, shares=shares)


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
        # The network sees no more digits than its own, so neither need the products with A.
        dtype = likelihood.decoder.dtype
        self._center, self._basis = frame.center[:, None].to(dtype), frame.basis.to(dtype)
        # The prior's own gradient, −Aᵀz; AᵀA is diagonal in a Laplace frame.
        self._pull = torch.einsum("nij,ni->nj", frame.basis, frame.center)[:, None]
        self._stiffness = frame.basis.square().sum(dim=1)[:, None]

    def __call__(self, u: Tensor, values: bool = True) -> State:
        """Return the state at u (n, k, d): log densities in u of the start, normalised, and of p(z)p(x|z).

        Without ``values`` only the gradients are to be used.
        """
        self.evaluations += 1
        frame = self.frame
        z = torch.baddbmm(self._center, u.to(self._basis.dtype), self._basis.mT)
        likelihood, score = self.likelihood(z, values)
        target_gradient = torch.bmm(score.sub_(z), self._basis).double()
        if not values and not frame.prior_weight and frame.centers.shape[1] == 1:
            return State(u, likelihood, likelihood, frame.centers - u, target_gradient)
        prior = (frame.log_det - self._constant)[:, None] - z.square().sum(-1, dtype=torch.float64) / 2
        start, start_gradient = self._start(u, prior)
        return State(u, start, prior + likelihood if values else prior, start_gradient, target_gradient)

    def _start(self, u: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
        """Log density and gradient of the start."""
        start, gradient = self._normal(u)
        weight = self.frame.prior_weight
        if not weight:
            return start, gradient
        pull = torch.addcmul(self._pull, self._stiffness, u).neg_()
        start, wide = start + math.log1p(-weight), prior + math.log(weight)
        return torch.logaddexp(start, wide), torch.lerp(gradient, pull, torch.sigmoid(wide - start)[..., None])

    def _normal(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Log density and gradient of the normal components together."""
        centers, shares = self.frame.centers, self.frame.shares
        if centers.shape[1] == 1:
            away = centers - u
            return away.square().sum(-1).mul_(-0.5).sub_(self._constant), away
        square = torch.cdist(u, centers, compute_mode="donot_use_mm_for_euclid_dist").square()
        joint = torch.add(shares.log()[:, None], square, alpha=-0.5)
        return joint.logsumexp(-1) - self._constant, torch.bmm(joint.softmax(-1), centers) - u

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
