"""Models of the curvature that quasi-Newton steps are made of: dense, or of the last few steps where d is large."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import torch

DENSE = 512  # largest latent with a full matrix for each row
MEMORY = 20
_DAMPING = 0.2


class Curvature(ABC):
    """For each of n rows a positive definite H (d, d) ≈ half the Hessian of ‖r‖²."""

    @abstractmethod
    def times(self, s: torch.Tensor) -> torch.Tensor:
        """Return H s, (n, d)."""

    @abstractmethod
    def solve(self, g: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Return (H + shift · h I)⁻¹ g, (n, d), with h the mean of H's diagonal at first."""

    @abstractmethod
    def store(self, s: torch.Tensor, y: torch.Tensor, hs: torch.Tensor, use: torch.Tensor) -> None:
        """Make H s = y in the rows where ``use`` holds; there sᵀy > 0."""

    @abstractmethod
    def rows(self, index: torch.Tensor) -> Self:
        """Return the chosen rows."""

    def update(self, s: torch.Tensor, y: torch.Tensor, hs: torch.Tensor, finite: torch.Tensor) -> None:
        """Learn from a step s (n, d) that changed the gradient by y; H s is known. Damped, so H stays positive."""
        shs, sy = (s * hs).sum(dim=1), (s * y).sum(dim=1)
        weight = torch.where(sy >= _DAMPING * shs, torch.ones_like(sy), (1 - _DAMPING) * shs / (shs - sy))[:, None]
        damped = weight * y + (1 - weight) * hs
        use = finite & (shs > 0) & ((s * damped).sum(dim=1) > 0) & torch.isfinite(damped).all(dim=1)
        self.store(s, damped, hs, use)


def first_curvature(half: torch.Tensor) -> Curvature:
    """Return h I for each row of gradients Jᵀr (n, d), h = ‖Jᵀr‖: the first step then has about unit length."""
    h = torch.linalg.vector_norm(half, dim=1).clamp(min=1e-30)
    d = half.shape[1]
    return Dense(torch.diag_embed(h[:, None].expand(-1, d)), h) if d <= DENSE else Limited(h, [])


class Dense(Curvature):
    """The BFGS matrix itself: H ← H − Hs(Hs)ᵀ/sᵀHs + yyᵀ/sᵀy."""

    def __init__(self, matrix: torch.Tensor, h: torch.Tensor | None = None) -> None:
        self.matrix = matrix
        self.h = matrix.diagonal(dim1=1, dim2=2).mean(dim=1) if h is None else h

    def times(self, s: torch.Tensor) -> torch.Tensor:
        """Return H s."""
        return (self.matrix @ s[:, :, None])[:, :, 0]

    def solve(self, g: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Return (H + shift · h I)⁻¹ g by Cholesky's factors; a plain gradient step where rounding spoiled H."""
        shifted = self.matrix.clone()
        shifted.diagonal(dim1=1, dim2=2).add_((shift * self.h)[:, None])
        factor, failed = torch.linalg.cholesky_ex(shifted)
        if not failed.any():
            return torch.cholesky_solve(g[:, :, None], factor)[:, :, 0]
        good = failed == 0
        p = g / ((1 + shift) * self.h)[:, None]
        p[good] = torch.cholesky_solve(g[good][:, :, None], factor[good])[:, :, 0]
        return p

    def store(self, s: torch.Tensor, y: torch.Tensor, hs: torch.Tensor, use: torch.Tensor) -> None:
        """Add the two terms of rank one."""
        one = torch.ones((), dtype=s.dtype, device=s.device)
        zero = torch.zeros((), dtype=s.dtype, device=s.device)
        left = torch.where(use, -1 / torch.where(use, (s * hs).sum(dim=1), one), zero)
        right = torch.where(use, 1 / torch.where(use, (s * y).sum(dim=1), one), zero)
        both = torch.stack([torch.where(use[:, None], hs, zero), torch.where(use[:, None], y, zero)], dim=2)
        self.matrix.baddbmm_(both * torch.stack([left, right], dim=1)[:, None, :], both.mT)

    def rows(self, index: torch.Tensor) -> Self:
        """Return the chosen rows."""
        return type(self)(self.matrix[index], self.h[index])


class Limited(Curvature):
    """The last ``MEMORY`` steps applied to h I, in the compact form of Byrd, Nocedal & Schnabel (1994).

    H = h I − U M⁻¹ Uᵀ with U = [h S, Y] and M = [[h SᵀS, L], [Lᵀ, −D]]; the shifted system follows from Woodbury.
    """

    def __init__(self, h: torch.Tensor, pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self.h, self.pairs = h, pairs

    def _parts(self) -> tuple[torch.Tensor, torch.Tensor]:
        s, y = (torch.stack(part, dim=2) for part in zip(*self.pairs, strict=True))
        h = self.h[:, None, None]
        sy = s.mT @ y
        lower, diagonal = sy.tril(-1), torch.diag_embed(sy.diagonal(dim1=1, dim2=2))
        middle = torch.cat([torch.cat([h * (s.mT @ s), lower], 2), torch.cat([lower.mT, -diagonal], 2)], 1)
        # Pairs that were not used are zero: a 1 on their diagonal leaves them without effect.
        empty = middle.diagonal(dim1=1, dim2=2) == 0
        return torch.cat([h * s, y], dim=2), middle + torch.diag_embed(empty.to(middle.dtype))

    def times(self, s: torch.Tensor) -> torch.Tensor:
        """Return H s."""
        if not self.pairs:
            return self.h[:, None] * s
        u, middle = self._parts()
        return self.h[:, None] * s - (u @ torch.linalg.solve_ex(middle, u.mT @ s[:, :, None])[0])[:, :, 0]

    def solve(self, g: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Return (H + shift · h I)⁻¹ g."""
        t = (self.h * (1 + shift))[:, None]
        if not self.pairs:
            return g / t
        u, middle = self._parts()
        inner = t[:, :, None] * middle - u.mT @ u
        return g / t + (u @ torch.linalg.solve_ex(inner, u.mT @ g[:, :, None])[0])[:, :, 0] / t

    def store(self, s: torch.Tensor, y: torch.Tensor, hs: torch.Tensor, use: torch.Tensor) -> None:  # noqa: ARG002
        """Keep the pair, and forget the oldest."""
        zero = torch.zeros((), dtype=s.dtype, device=s.device)
        kept = torch.where(use[:, None], s, zero), torch.where(use[:, None], y, zero)
        self.pairs = [*self.pairs, kept][-MEMORY:]

    def rows(self, index: torch.Tensor) -> Self:
        """Return the chosen rows."""
        return type(self)(self.h[index], [(s[index], y[index]) for s, y in self.pairs])
