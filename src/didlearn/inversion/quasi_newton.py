"""Trust-region quasi-Newton descent on ‖r(z)‖², for many starts in one graph.

Each row keeps its own model of the curvature, H ≈ half the Hessian, updated by the damped BFGS formula (Powell 1978;
Nocedal & Wright 2006, procedure 18.2), and its own shift μ: the step solves (H + μ h I) p = −Jᵀr with h the mean of
H's diagonal, and μ falls or grows with the ratio of found to predicted decrease, as in Levenberg's method. A step
costs one forward and one backward pass. Every accepted step lowers the error: it is a descent method.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch

from didlearn.derivatives.curvature import Curvature, first_curvature
from didlearn.derivatives.jacobian import gradient
from didlearn.inversion.domain import Domain
from didlearn.inversion.target import Target

_FIRST_SHIFT = 0.05
_LEAST, MOST = 1e-12, 1e8
ROWS = 128  # in one graph: more would not be faster, and take memory


@dataclass
class State:
    """Rows of points (n, d) with all that the next step needs.

    Attributes:
        z: (n, d). error: (n,) ‖r‖². half: (n, d) Jᵀr. curvature: the models H. shift: (n,) μ.
        evaluations: passes through the decoder so far, for each row.
    """

    z: torch.Tensor
    error: torch.Tensor
    half: torch.Tensor
    curvature: Curvature
    shift: torch.Tensor
    evaluations: int

    def rows(self, index: torch.Tensor) -> Self:
        """Return the chosen rows."""
        picked = {name: getattr(self, name)[index] for name in ("z", "error", "half", "shift")}
        return replace(self, **picked, curvature=self.curvature.rows(index))


def begin(target: Target, z: torch.Tensor) -> State:
    """Return the state at the points z (n, d)."""
    error, half = _gradients(target, z)
    shift = torch.full_like(error, _FIRST_SHIFT)
    return State(z.detach().clone(), error, half, first_curvature(half), shift, 2)


def step(target: Target, state: State, domain: Domain) -> State:
    """Return the state after one trial step of every row."""
    half = domain.free(state.z, state.half)
    p = state.curvature.solve(-half, state.shift)
    p = domain.free(state.z, -p).neg()
    z = domain.project(state.z + p.to(state.z.dtype))
    s = (z - state.z).double()
    error, new_half = _gradients(target, z)
    hs = state.curvature.times(s)
    predicted = -(2 * (state.half * s).sum(dim=1) + (s * hs).sum(dim=1))
    better = error < state.error
    state.curvature.update(s, new_half - state.half, hs, torch.isfinite(error))
    return State(
        z=torch.where(better[:, None], z, state.z),
        error=torch.where(better, error, state.error),
        half=torch.where(better[:, None], new_half, state.half),
        curvature=state.curvature,
        shift=next_shift(state.shift, state.error - error, predicted, better, 4),
        evaluations=state.evaluations + 2,
    )


def _gradients(target: Target, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ‖r‖² (n,) and Jᵀr (n, d), ``ROWS`` at a time."""
    if len(z) <= ROWS:
        return gradient(target, z)
    blocks = torch.arange(len(z), device=z.device).split(ROWS)
    parts = [gradient(target.rows(rows), z[rows]) for rows in blocks]
    errors, halves = zip(*parts, strict=True)
    return torch.cat(errors), torch.cat(halves)


def next_shift(
    shift: torch.Tensor, decrease: torch.Tensor, predicted: torch.Tensor, better: torch.Tensor, factor: float
) -> torch.Tensor:
    """Trust the model more where it foretold the decrease, less where it did not."""
    ratio = decrease / predicted.clamp(min=1e-300)
    kept = torch.where(ratio > 0.75, shift / factor, torch.where(ratio < 0.25, shift * 2, shift))
    return torch.where(better, kept, shift * 4).clamp(_LEAST, MOST)
