"""Levenberg–Marquardt on ‖r(z)‖² with exact Jacobians: quadratic convergence where the residual is small.

The step solves (JᵀJ + μ h I) p = −Jᵀr with h the mean diagonal of JᵀJ. It ends for a row when Gauss–Newton foretells
that less than ``_TOLERANCE`` of the error can still be removed, gᵀ(JᵀJ)⁻¹g ≤ tolerance · ‖r‖² with g = Jᵀr: the
residual is then orthogonal to the manifold, which is what a nearest point is. A decoder made of linear pieces can have
its nearest point on a crease, where no step helps although each piece alone promises more: it ends there too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from didlearn.derivatives.descent import next_shift
from didlearn.derivatives.domain import Domain
from didlearn.derivatives.jacobian import jacobian, squared_norm
from didlearn.inversion.target import Target

_TOLERANCE = 1e-10
WORTHWHILE, _PATIENCE = 1e-3, 4  # steps in a row that lower the error by less than this share end the descent
_HOPELESS = 1e6  # shift beyond which shorter steps will not help either
_JACOBIAN_BYTES = 2**28
_FIRST_SHIFT = 1e-2
_TINY = 1e-9  # relative to the mean curvature: directions the decoder ignores


@dataclass
class Polished:
    """Points (n, d) with what the last Jacobian says about them.

    Attributes:
        z: (n, d). error: (n,) ‖r‖². half: (n, d) Jᵀr.
        removable: (n,) share of the error that Gauss–Newton could still remove; ``inf`` where there is no error.
        normal: (n, d, d) JᵀJ. evaluations: (n,) passes through the decoder, a Jacobian column counting as one.
    """

    z: torch.Tensor
    error: torch.Tensor
    half: torch.Tensor
    removable: torch.Tensor
    normal: torch.Tensor
    evaluations: torch.Tensor


def polish(target: Target, z: torch.Tensor, steps: int, domain: Domain) -> Polished:
    """Take up to ``steps`` trial steps from each row of z (n, d); with 0 steps, only look."""
    at_once = max(1, _JACOBIAN_BYTES // (target.width * z.shape[1] * z.element_size()))
    index = torch.arange(len(z), device=z.device).split(at_once)
    parts = [_polish(target.rows(rows), z[rows], steps, domain) for rows in index]
    return Polished(*(torch.cat([getattr(part, name) for part in parts]) for name in Polished.__annotations__))


def _polish(target: Target, z: torch.Tensor, steps: int, domain: Domain) -> Polished:
    at = _look(target, z, domain)
    shift = torch.full_like(at.error, _FIRST_SHIFT)
    idle = torch.zeros_like(at.evaluations)
    for _ in range(steps):
        active = (at.removable > _TOLERANCE) & torch.isfinite(at.error) & (at.error > 0) & (idle < _PATIENCE)
        rows = active.nonzero()[:, 0]
        if not len(rows):
            break
        p = _solve(at.normal[rows], -at.half[rows], shift[rows])
        p = domain.free(at.z[rows], -p).neg()
        trial = domain.project(at.z[rows] + p.to(z.dtype))
        error = squared_norm(target.rows(rows), trial)
        s = (trial - at.z[rows]).double()
        bend = (s * (at.normal[rows] @ s[:, :, None])[:, :, 0]).sum(dim=1)
        predicted = -(2 * (at.half[rows] * s).sum(dim=1) + bend)
        better = error < at.error[rows]
        shift[rows] = next_shift(shift[rows], at.error[rows] - error, predicted, better, 5)
        at.evaluations[rows] += 1
        gained = error < at.error[rows] * (1 - WORTHWHILE)
        idle[rows] = torch.where(gained, torch.zeros_like(rows), idle[rows] + better.long())
        idle[rows] += _PATIENCE * (~better & (shift[rows] > _HOPELESS)).long()
        moved = rows[better]
        if len(moved):
            _take(at, moved, _look(target.rows(moved), trial[better], domain))
    return at


def _look(target: Target, z: torch.Tensor, domain: Domain) -> Polished:
    r, J = jacobian(target, z)
    finite = torch.isfinite(r).all(dim=1) & torch.isfinite(J).flatten(1).all(dim=1)
    J = torch.where(finite[:, None, None], J, torch.zeros((), dtype=J.dtype, device=J.device))
    safe = torch.where(finite[:, None], r, torch.zeros((), dtype=r.dtype, device=r.device))
    normal = (J.mT @ J).double()
    half = domain.free(z, (J.mT @ safe[:, :, None])[:, :, 0].double())
    error = torch.where(finite, safe.double().square().sum(dim=1), torch.inf)
    gain = (half * _solve(normal, half, torch.zeros_like(error))).sum(dim=1)
    removable = torch.where(error > 0, gain / error, torch.zeros_like(error))
    spent = torch.full((len(z),), z.shape[1] + 2, dtype=torch.int64, device=z.device)
    return Polished(z.detach().clone(), error, half, removable, normal, spent)


def _solve(normal: torch.Tensor, g: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    mean = normal.diagonal(dim1=1, dim2=2).mean(dim=1).clamp(min=1e-300)
    shifted = normal.clone()
    shifted.diagonal(dim1=1, dim2=2).add_(((shift + _TINY) * mean)[:, None])
    return torch.linalg.solve_ex(shifted, g[:, :, None])[0][:, :, 0]


def _take(at: Polished, rows: torch.Tensor, new: Polished) -> None:
    at.evaluations[rows] += new.evaluations
    for name in ("z", "error", "half", "removable", "normal"):
        getattr(at, name)[rows] = getattr(new, name)
