"""Gradients and Jacobians of many residuals at once, by reverse mode only: the user's module is run as it is.

Each function returns plain tensors without a graph. ``residual`` maps points (n, d) to residuals (n, m), row by row.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from didlearn.errors import ModelError, first_line

Residual = Callable[[torch.Tensor], torch.Tensor]
COLUMN_BYTES = 2**28  # of the Jacobian columns held at once beside the result


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


def jacobian(residual: Residual, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return r (n, m) and J (n, m, d) in the dtype of ``z``.

    Jᵀu is linear in u, so its derivative with respect to u along the unit vectors of the latent space gives the
    columns of J: one backward pass through the graph of a backward pass for each, batched.

    Raises:
        ModelError: the decoder cannot be differentiated twice.
    """
    try:
        return _jacobian(residual, z.detach().requires_grad_())
    except RuntimeError as error:
        raise ModelError(
            f"the decoder's Jacobian cannot be computed ({first_line(error)}): its layers must be differentiable twice"
        ) from error


def _jacobian(residual: Residual, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.enable_grad():
        r = residual(z)
        u = torch.zeros_like(r, requires_grad=True)
        (pulled,) = _derivative(r, z, u, create_graph=True)
        if not pulled.requires_grad:  # r does not depend on z
            return r.detach(), torch.zeros(*r.shape, z.shape[1], dtype=r.dtype, device=r.device)
        units = torch.eye(z.shape[1], dtype=pulled.dtype, device=z.device)[:, None, :].expand(-1, len(z), -1)
        step = max(1, COLUMN_BYTES // (r.numel() * r.element_size()))
        columns = [
            torch.autograd.grad(pulled, u, block, is_grads_batched=True, retain_graph=True)[0]
            for block in units.split(step)
        ]
    return r.detach(), torch.cat(columns).permute(1, 2, 0)


def hessian(residual: Residual, z: torch.Tensor) -> torch.Tensor:
    """Return the Hessian of ½‖r‖², JᵀJ + Σ r_i ∇²r_i, (n, d, d) float64."""
    z = z.detach().requires_grad_()
    with torch.enable_grad():
        (half,) = _derivative(residual(z).square().sum() / 2, z, create_graph=True)
        if not half.requires_grad:  # r does not depend on z
            return torch.zeros(*z.shape, z.shape[1], dtype=torch.float64, device=z.device)
        units = torch.eye(z.shape[1], dtype=half.dtype, device=z.device)[:, None, :].expand(-1, len(z), -1)
        rows = torch.autograd.grad(half, z, units, is_grads_batched=True, materialize_grads=True)[0]
    rows = rows.permute(1, 0, 2).double()
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
