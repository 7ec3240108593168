"""Trust-region quasi-Newton descent on a function f of latents, for many starts in one graph.

Each row keeps its own model of the curvature, H ≈ ∇²f, updated by the damped BFGS formula (Powell 1978; Nocedal &
Wright 2006, procedure 18.2), and its own shift μ: the step solves (H + μ h I) p = −∇f with h the mean of H's diagonal
at first, and μ falls or grows with the ratio of found to predicted decrease, as in Levenberg's method. A step costs
one forward and one backward pass. Every accepted step lowers f: it is a descent method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from didlearn.derivatives.curvature import Curvature, first_curvature
from didlearn.derivatives.domain import Domain

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From points (n, d) to f (n,) and ∇f (n, d), float64, row by row; infinity and 0 where f is not finite."""
_FIRST_SHIFT = 0.05
_LEAST, MOST = 1e-12, 1e8


@dataclass
class Descent:
    """Rows of points (n, d) with all that the next step needs.

    Attributes:
        z: (n, d). value: (n,) f. gradient: (n, d) ∇f. curvature: the models H. shift: (n,) μ.
        promised: (n,) the decrease of f that the last step was to bring; infinity before the first.
    """

    z: Tensor
    value: Tensor
    gradient: Tensor
    curvature: Curvature
    shift: Tensor
    promised: Tensor

    def rows(self, index: Tensor) -> Self:
        """Return the chosen rows."""
        picked = {name: getattr(self, name)[index] for name in ("z", "value", "gradient", "shift", "promised")}
        return replace(self, **picked, curvature=self.curvature.rows(index))


def begin_descent(objective: Objective, z: Tensor, curvature: Curvature | None = None) -> Descent:
    """Return the state at the points z (n, d); without a ``curvature`` the first step has about unit length."""
    value, gradient = objective(z)
    curvature = first_curvature(gradient) if curvature is None else curvature
    shift = torch.full_like(value, _FIRST_SHIFT)
    return Descent(z.detach().clone(), value, gradient, curvature, shift, torch.full_like(value, torch.inf))


def take_step(objective: Objective, at: Descent, domain: Domain) -> Descent:
    """Return the state after one trial step of every row."""
    free = domain.free(at.z, at.gradient)
    p = at.curvature.solve(-free, at.shift)
    p = domain.free(at.z, -p).neg()
    z = domain.project(at.z + p.to(at.z.dtype))
    s = (z - at.z).double()
    value, gradient = objective(z)
    hs = at.curvature.times(s)
    promised = -((at.gradient * s).sum(dim=1) + (s * hs).sum(dim=1) / 2)
    better = value < at.value
    at.curvature.update(s, gradient - at.gradient, hs, torch.isfinite(value))
    return Descent(
        z=torch.where(better[:, None], z, at.z),
        value=torch.where(better, value, at.value),
        gradient=torch.where(better[:, None], gradient, at.gradient),
        curvature=at.curvature,
        shift=next_shift(at.shift, at.value - value, promised, better, 4),
        promised=promised,
    )


def next_shift(shift: Tensor, decrease: Tensor, promised: Tensor, better: Tensor, factor: float) -> Tensor:
    """Trust the model more where it foretold the decrease, less where it did not."""
    ratio = decrease / promised.clamp(min=1e-300)
    kept = torch.where(ratio > 0.75, shift / factor, torch.where(ratio < 0.25, shift * 2, shift))
    return torch.where(better, kept, shift * 4).clamp(_LEAST, MOST)
