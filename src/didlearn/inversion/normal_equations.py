"""The normal equations (JᵀJ + μ h I) p = g at points z: by the matrix JᵀJ, or by products with J where J is too large.

The products are one backward pass each, and the equations are solved by conjugate gradients on the least squares
problem (Hestenes & Stiefel 1952; CGLS): no m × d matrix is ever held.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from didlearn.derivatives.jacobian import Linear, gram, jacobian
from didlearn.inversion.target import Target

_TINY = 1e-9  # relative to the mean curvature: directions the decoder ignores
_PRODUCTS = 40  # conjugate gradients a step: an inexact step is still a descent
_EXACT = 1e-5  # of the gradient, that the equations may be off
_WIDEST = 2048  # latent dimensions for which JᵀJ is worth two passes each, to say how much volume a point has


class NormalEquations(ABC):
    """JᵀJ of n rows, with the residuals and gradients there.

    Attributes:
        error: (n,) ‖r‖², infinity where r or J is not finite. half: (n, d) Jᵀr. spent: passes that finding them took.
    """

    error: Tensor
    half: Tensor
    spent: int

    @abstractmethod
    def solve(self, g: Tensor, shift: Tensor) -> tuple[Tensor, int]:
        """Return (JᵀJ + shift · h I)⁻¹ g of g (n, d), h the mean curvature, and the passes it took."""

    @abstractmethod
    def bend(self, s: Tensor) -> Tensor:
        """Return ‖J s‖² of steps s (n, d): (n,)."""

    @abstractmethod
    def rows(self, index: Tensor) -> NormalEquations:
        """Return the chosen rows."""

    @abstractmethod
    def replace(self, index: Tensor, new: NormalEquations) -> NormalEquations:
        """Return the same with rows ``index`` taken from ``new``."""

    @abstractmethod
    def matrix(self) -> tuple[Tensor, int]:
        """Return JᵀJ (n, d, d), NaN where it would take too long, and the passes it took."""

    def removable(self) -> tuple[Tensor, int]:
        """Return the share of the error that Gauss–Newton could still remove, gᵀ(JᵀJ)⁻¹g / ‖r‖² (n,), and passes."""
        step, spent = self.solve(self.half, torch.zeros_like(self.error))
        gain = (self.half * step).sum(dim=1)
        return torch.where(self.error > 0, gain / self.error, torch.zeros_like(self.error)), spent


class ByMatrix(NormalEquations):
    """The matrix, from all columns of J."""

    def __init__(self, normal: Tensor, half: Tensor, error: Tensor, spent: int) -> None:
        self.normal, self.half, self.error, self.spent = normal, half, error, spent

    def solve(self, g: Tensor, shift: Tensor) -> tuple[Tensor, int]:
        """Solve by factors."""
        return solve_shifted(self.normal, g, shift), 0

    def bend(self, s: Tensor) -> Tensor:
        """sᵀJᵀJs."""
        return (s * (self.normal @ s[:, :, None])[:, :, 0]).sum(dim=1)

    def rows(self, index: Tensor) -> ByMatrix:
        """Return the chosen rows."""
        return ByMatrix(self.normal[index], self.half[index], self.error[index], self.spent)

    def replace(self, index: Tensor, new: NormalEquations) -> ByMatrix:
        """Put the rows in."""
        assert isinstance(new, ByMatrix)
        for name in ("normal", "half", "error"):
            getattr(self, name)[index] = getattr(new, name)
        return self

    def matrix(self) -> tuple[Tensor, int]:
        """It is there."""
        return self.normal, 0


class ByProducts(NormalEquations):
    """Products with J alone, of a single row: images so large share no graph."""

    def __init__(self, target: Target, z: Tensor, linear: Linear, half: Tensor, error: Tensor) -> None:
        self.target, self.z, self.linear, self.half, self.error, self.spent = target, z, linear, half, error, 3

    def solve(self, g: Tensor, shift: Tensor) -> tuple[Tensor, int]:
        """Solve by conjugate gradients, in float64 but for the products."""
        p, residual, along = torch.zeros_like(g), g.clone(), g.clone()
        square = first = residual.square().sum(dim=1, keepdim=True)
        spent, damping = 0, torch.zeros_like(square)
        for number in range(min(_PRODUCTS, 2 * g.shape[1])):
            if not bool((square > _EXACT**2 * first).any()):
                break
            image = self._times(along)
            curvature = image.square().sum(dim=1, keepdim=True)
            if number == 0:  # the curvature along the gradient stands for the mean one
                damping = (shift[:, None] + _TINY) * curvature / square.clamp(min=1e-300)
            bend = curvature + damping * along.square().sum(dim=1, keepdim=True)
            rate = square / bend.clamp(min=1e-300)
            p = p + rate * along
            residual = residual - rate * (self._pulled(image) + damping * along)
            before, square = square, residual.square().sum(dim=1, keepdim=True)
            along = residual + square / before.clamp(min=1e-300) * along
            spent += 2
        return p, spent

    def bend(self, s: Tensor) -> Tensor:
        """‖Js‖²."""
        return self._times(s).square().sum(dim=1)

    def rows(self, index: Tensor) -> ByProducts:
        """It is the one row."""
        assert len(index) == 1, "images so large are polished one at a time"
        return self

    def replace(self, index: Tensor, new: NormalEquations) -> NormalEquations:  # noqa: ARG002
        """The new row is all there is."""
        return new

    def matrix(self) -> tuple[Tensor, int]:
        """Column by column, J never whole."""
        d = self.z.shape[1]
        if d > _WIDEST:
            return torch.full((1, d, d), torch.nan, dtype=torch.float64, device=self.z.device), 0
        if not bool(torch.isfinite(self.error).all()):
            return torch.zeros((1, d, d), dtype=torch.float64, device=self.z.device), 0
        return gram(self.target, self.z, self.target.row_bytes).nan_to_num(0.0, 0.0, 0.0), 2 * d

    def _times(self, v: Tensor) -> Tensor:
        return self.linear.times(v.to(self.z.dtype)).double()

    def _pulled(self, w: Tensor) -> Tensor:
        return self.linear.pulled(w.to(self.z.dtype)).double()


def equations_at(target: Target, z: Tensor, *, by_products: bool) -> NormalEquations:
    """Return the normal equations at points z (n, d), by products (n = 1) or by the matrix."""
    return _by_products(target, z) if by_products else _by_matrix(target, z)


def _by_matrix(target: Target, z: Tensor) -> ByMatrix:
    r, J = jacobian(target, z, target.row_bytes)
    finite = torch.isfinite(r).all(dim=1) & torch.isfinite(J).flatten(1).all(dim=1)
    J = torch.where(finite[:, None, None], J, torch.zeros((), dtype=J.dtype, device=J.device))
    safe = torch.where(finite[:, None], r, torch.zeros((), dtype=r.dtype, device=r.device))
    half = (J.mT @ safe[:, :, None])[:, :, 0].double()
    error = torch.where(finite, safe.double().square().sum(dim=1), torch.inf)
    return ByMatrix((J.mT @ J).double(), half, error, z.shape[1] + 2)


def _by_products(target: Target, z: Tensor) -> ByProducts:
    linear = Linear(target, z)
    r = linear.r
    finite = torch.isfinite(r).all(dim=1)
    safe = torch.where(finite[:, None], r, torch.zeros((), dtype=r.dtype, device=r.device))
    half = linear.pulled(safe)
    finite &= torch.isfinite(half).all(dim=1)
    half = torch.where(finite[:, None], half, torch.zeros((), dtype=r.dtype, device=r.device)).double()
    error = torch.where(finite, safe.double().square().sum(dim=1), torch.inf)
    return ByProducts(target, z, linear, half, error)


def solve_shifted(normal: Tensor, g: Tensor, shift: Tensor) -> Tensor:
    """Return (JᵀJ + shift · h I)⁻¹ g with the matrices JᵀJ (n, d, d) and h the mean of their diagonals."""
    mean = normal.diagonal(dim1=1, dim2=2).mean(dim=1).clamp(min=1e-300)
    shifted = normal.clone()
    shifted.diagonal(dim1=1, dim2=2).add_(((shift + _TINY) * mean)[:, None])
    return torch.linalg.solve_ex(shifted, g[:, :, None])[0][:, :, 0]
