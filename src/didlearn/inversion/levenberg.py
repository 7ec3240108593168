"""Levenberg–Marquardt on ‖r(z)‖² with exact Jacobians: quadratic convergence where the residual is small.

The step solves (JᵀJ + μ h I) p = −Jᵀr with h the mean curvature. It ends for a row when Gauss–Newton foretells
that less than ``_TOLERANCE`` of the error can still be removed, gᵀ(JᵀJ)⁻¹g ≤ tolerance · ‖r‖² with g = Jᵀr: the
residual is then orthogonal to the manifold, which is what a nearest point is. A decoder made of linear pieces can have
its nearest point on a crease, where no step helps although each piece alone promises more: it ends there too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from didlearn.derivatives.descent import next_shift
from didlearn.derivatives.domain import Domain
from didlearn.derivatives.jacobian import squared_norm
from didlearn.inversion.normal_equations import NormalEquations, equations_at, solve_shifted
from didlearn.inversion.target import Target

_TOLERANCE = 1e-10
WORTHWHILE, _PATIENCE = 1e-3, 4  # steps in a row that lower the error by less than this share end the descent
_HOPELESS = 1e6  # shift beyond which shorter steps will not help either
_JACOBIAN_BYTES = 2**28  # a Jacobian larger than that is not held
_FIRST_SHIFT = 1e-2


@dataclass
class Polished:
    """Points (n, d) with what the last Jacobian says about them.

    Attributes:
        z: (n, d). error: (n,) ‖r‖². half: (n, d) Jᵀr.
        removable: (n,) share of the error that Gauss–Newton could still remove; ``inf`` where there is no error.
        normal: (n, d, d) JᵀJ; NaN where it would take too long.
        evaluations: (n,) passes through the decoder, a Jacobian column counting as one.
    """

    z: torch.Tensor
    error: torch.Tensor
    half: torch.Tensor
    removable: torch.Tensor
    normal: torch.Tensor
    evaluations: torch.Tensor


def polish(target: Target, z: torch.Tensor, steps: int, domain: Domain) -> Polished:
    """Take up to ``steps`` trial steps from each row of z (n, d); with 0 steps, only look."""
    held = target.width * z.shape[1] * z.element_size()
    at_once = max(1, min(_JACOBIAN_BYTES // held, target.together))
    index = torch.arange(len(z), device=z.device).split(at_once)
    large = held > _JACOBIAN_BYTES
    parts = [_polish(target.rows(rows), z[rows], steps, domain, large) for rows in index]
    return Polished(*(torch.cat([getattr(part, name) for part in parts]) for name in Polished.__annotations__))


def _polish(target: Target, z: torch.Tensor, steps: int, domain: Domain, large: bool) -> Polished:
    at, equations = _look(target, z.detach().clone(), domain, large)
    shift = torch.full_like(at.error, _FIRST_SHIFT)
    idle = torch.zeros_like(at.evaluations)
    for _ in range(steps):
        active = (at.removable > _TOLERANCE) & torch.isfinite(at.error) & (at.error > 0) & (idle < _PATIENCE)
        rows = active.nonzero()[:, 0]
        if not len(rows):
            break
        here = equations.rows(rows)
        p, spent = here.solve(-at.half[rows], shift[rows])
        p = domain.free(at.z[rows], -p).neg()
        trial = domain.project(at.z[rows] + p.to(z.dtype))
        error = squared_norm(target.rows(rows), trial)
        s = (trial - at.z[rows]).double()
        predicted = -(2 * (at.half[rows] * s).sum(dim=1) + here.bend(s))
        better = error < at.error[rows]
        shift[rows] = next_shift(shift[rows], at.error[rows] - error, predicted, better, 5)
        at.evaluations[rows] += 1 + spent
        gained = error < at.error[rows] * (1 - WORTHWHILE)
        idle[rows] = torch.where(gained, torch.zeros_like(rows), idle[rows] + better.long())
        idle[rows] += _PATIENCE * (~better & (shift[rows] > _HOPELESS)).long()
        moved = rows[better]
        if len(moved):
            new, there = _look(target.rows(moved), trial[better], domain, large)
            _take(at, moved, new)
            equations = equations.replace(moved, there)
    return _ended(at, equations)


def _look(target: Target, z: torch.Tensor, domain: Domain, large: bool) -> tuple[Polished, NormalEquations]:
    """Return what is known at points z (n, d), but for JᵀJ, and the equations there."""
    equations = equations_at(target, z, by_products=large)
    equations.half = domain.free(z, equations.half)
    removable, spent = equations.removable()
    passes = torch.full((len(z),), equations.spent + spent, dtype=torch.int64, device=z.device)
    return Polished(z, equations.error, equations.half.clone(), removable, z.new_empty(len(z)), passes), equations


def _ended(at: Polished, equations: NormalEquations) -> Polished:
    """Add JᵀJ; where that took passes of its own, what it says of the removable share goes before an iteration's."""
    normal, spent = equations.matrix()
    at.normal, at.evaluations = normal, at.evaluations + spent
    if spent:
        gain = (at.half * solve_shifted(normal, at.half, torch.zeros_like(at.error))).sum(dim=1)
        at.removable = torch.where(at.error > 0, gain / at.error, torch.zeros_like(at.error))
    return at


def _take(at: Polished, rows: torch.Tensor, new: Polished) -> None:
    at.evaluations[rows] += new.evaluations
    for name in ("z", "error", "half", "removable"):
        getattr(at, name)[rows] = getattr(new, name)
