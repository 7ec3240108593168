"""Gradients and Jacobians of many residuals at once, by reverse mode only: the user's module is run as it is.

Each function returns plain tensors without a graph. ``residual`` maps points (n, d) to residuals (n, m), row by row.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from didlearn.derivatives.footprint import columns_together
from didlearn.errors import ModelError, first_line

Residual = Callable[[torch.Tensor], torch.Tensor]


def squared_norm(residual: Residual, z: torch.Tensor) -> torch.Tensor:
    """Return ‖r(z)‖² of each row, (n,) float64; NaN and infinity become infinity."""
    with torch.no_grad():
        return _finite(residual(z).double().square().sum(dim=1))


def half_square(residual: Residual, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ½‖r‖² (n,) and its gradient Jᵀr (n, d) in float64; a row that is not finite gets infinity and 0."""
    z = z.detach().requires_grad_()
    with torch.enable_grad():
        squared = residual(z).square().sum(dim=1)
        (gradient,) = _derivative(squared.sum() / 2, z)
    finite = torch.isfinite(gradient).all(dim=1, keepdim=True)
    return _finite(squared.detach().double()) / 2, torch.where(finite, gradient, torch.zeros(())).double()


def jacobian(residual: Residual, z: torch.Tensor, row: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Return r (n, m) and J (n, m, d) in the dtype of ``z``; ``row``: bytes of a row's graph, where they are known.

    Raises:
        ModelError: the decoder cannot be differentiated twice.
    """
    linear = Linear(residual, z)
    columns = [linear.times(block) for block in linear.units(row)]
    return linear.r, torch.cat(columns).permute(1, 2, 0)


def gram(residual: Residual, z: torch.Tensor, row: int = 1, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Return JᵀJ, or JᵀFJ with the diagonal F = ``weight`` (n, m), (n, d, d) float64, without holding J.

    Column i is Jᵀ(F(J e_i)): two passes for each, as many at a time as fit.

    Raises:
        ModelError: the decoder cannot be differentiated twice.
    """
    linear = Linear(residual, z)
    blocks = []
    for block in linear.units(row):
        pushed = linear.times(block)
        blocks.append(linear.pulled(pushed if weight is None else pushed * weight))
    found = torch.cat(blocks).permute(1, 2, 0).double()
    return (found + found.mT) / 2


class Linear:
    """Residuals at points z (n, d), and their Jacobian J as a map: products with vectors, and no matrix.

    Jᵀu is linear in u, so its derivative with respect to u along v is Jv: one backward pass through the graph of a
    backward pass.

    Attributes:
        r: (n, m).
    """

    def __init__(self, residual: Residual, z: torch.Tensor) -> None:
        self._z = z.detach().requires_grad_()
        with torch.enable_grad():
            self._r = residual(self._z)
            self._u = torch.zeros_like(self._r, requires_grad=True)
            (self._pulled,) = _twice(lambda: _derivative(self._r, self._z, self._u, create_graph=True))
        self.r = self._r.detach()

    def times(self, v: torch.Tensor) -> torch.Tensor:
        """Return J v of v (n, d) or of several, (k, n, d): (n, m) or (k, n, m).

        Raises:
            ModelError: the decoder cannot be differentiated twice.
        """
        if not self._pulled.requires_grad:  # r does not depend on z
            return v.new_zeros((*v.shape[:-1], self.r.shape[1]))
        return _along(self._pulled, self._u, v, materialize=False)

    def pulled(self, w: torch.Tensor) -> torch.Tensor:
        """Return Jᵀw of w (n, m) or of several, (k, n, m): (n, d) or (k, n, d)."""
        if not self._r.requires_grad:
            return w.new_zeros((*w.shape[:-1], self._z.shape[1]))
        return _along(self._r, self._z, w, materialize=True)

    def units(self, row: int) -> tuple[torch.Tensor, ...]:
        """Return the unit vectors of the latent space for every row, (k, n, d) at a time."""
        n, d = self._z.shape
        step = columns_together(n, max(row, self.r.shape[1] * self.r.element_size()))
        return torch.eye(d, dtype=self._z.dtype, device=self._z.device)[:, None, :].expand(-1, n, -1).split(step)


def _along(of: torch.Tensor, at: torch.Tensor, v: torch.Tensor, *, materialize: bool) -> torch.Tensor:
    """Return the derivative of ⟨of, v⟩ at ``at``, for several v at once where there is a dimension more."""
    several = v.ndim > of.ndim
    return _twice(
        lambda: torch.autograd.grad(
            of, at, v, is_grads_batched=several, retain_graph=True, materialize_grads=materialize
        )
    )[0]


def _twice(take: Callable[[], tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
    try:
        return take()
    except RuntimeError as error:
        raise ModelError(
            f"the decoder's Jacobian cannot be computed ({first_line(error)}): its layers must be differentiable twice"
        ) from error


def hessian(residual: Residual, z: torch.Tensor, row: int = 1) -> torch.Tensor:
    """Return the Hessian of ½‖r‖², JᵀJ + Σ r_i ∇²r_i, (n, d, d) float64; ``row``: bytes of a row's graph."""
    z = z.detach().requires_grad_()
    with torch.enable_grad():
        (half,) = _derivative(residual(z).square().sum() / 2, z, create_graph=True)
        if not half.requires_grad:  # r does not depend on z
            return torch.zeros(*z.shape, z.shape[1], dtype=torch.float64, device=z.device)
        units = torch.eye(z.shape[1], dtype=half.dtype, device=z.device)[:, None, :].expand(-1, len(z), -1)
        blocks = [
            torch.autograd.grad(half, z, block, is_grads_batched=True, materialize_grads=True, retain_graph=True)[0]
            for block in units.split(columns_together(len(z), row))
        ]
    rows = torch.cat(blocks).permute(1, 0, 2).double()
    return (rows + rows.mT) / 2


def _derivative(
    y: torch.Tensor, z: torch.Tensor, weights: torch.Tensor | None = None, *, create_graph: bool = False
) -> tuple[torch.Tensor, ...]:
    """Differentiate, with zeros where the graph does not reach ``z``: a decoder may ignore its latent."""
    if not y.requires_grad:
        return (torch.zeros_like(z),)
    return torch.autograd.grad(y, z, weights, create_graph=create_graph, materialize_grads=True)


def _finite(error: torch.Tensor) -> torch.Tensor:
    return torch.where(torch.isfinite(error), error, torch.full((), torch.inf, dtype=error.dtype, device=error.device))
