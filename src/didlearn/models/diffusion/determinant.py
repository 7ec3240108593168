"""log |det J| of a map near the identity, by random probes and Krylov subspaces.

For a probe v of independent signs, E[vᵀ log(M) v] = tr log M = log det M (Hutchinson 1990). vᵀ log(M) v itself is
D · e₁ᵀ log(H) e₁ with H the Arnoldi matrix of M started at v (Saad 1992), which is exact for polynomials of the
degree of the subspace, and converges as fast as log can be approximated by these on the spectrum of M. M is only ever
multiplied from the left, Mᵀv, by one backward pass through the network.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_NOTHING = 1e-10  # of the probe's length: the subspace is exhausted


def log_determinant(step: Callable[[Tensor], Tensor], scale: float, x: Tensor, probes: Tensor, krylov: int) -> Tensor:
    """Return estimates (n, P) of log |det ∂step/∂x| at x (n, D), one for each probe (n, P, D) of signs.

    Args:
        step: a map of (n, D) near ``scale`` times the identity. krylov: dimension of the subspaces.
    """
    n, P, D = probes.shape
    rows = x.detach().repeat_interleave(P, dim=0).requires_grad_()
    with torch.enable_grad():
        out = step(rows)

    def transposed(v: Tensor) -> Tensor:
        (pulled,) = torch.autograd.grad(out, rows, v.to(out.dtype), retain_graph=True)
        return pulled.double() / scale

    H = arnoldi(transposed, probes.reshape(n * P, D).double(), krylov)
    logs = D * (first_log(H) + torch.log(torch.tensor(scale, dtype=torch.float64)))
    return logs.view(n, P)


@torch.no_grad()
def arnoldi(apply: Callable[[Tensor], Tensor], v: Tensor, size: int) -> Tensor:
    """Return the Hessenberg matrices (r, size, size) of a map of rows (r, D) started at v (r, D).

    Where the subspace is exhausted, what is left is the identity, which the first entry of a function of H ignores.
    """
    r, D = v.shape
    size = min(size, D)
    H = torch.zeros((r, size, size), dtype=v.dtype, device=v.device)
    basis = [v / v.norm(dim=1, keepdim=True)]
    alive = torch.ones(r, dtype=torch.bool, device=v.device)
    for j in range(size):
        w = apply(basis[j])
        for _ in range(2):  # once more: rounding leaves a part along the others
            for i, q in enumerate(basis):
                along = (w * q).sum(dim=1)
                H[:, i, j] += torch.where(alive, along, torch.zeros_like(along))
                w = w - along[:, None] * q
        H[:, j, j] = torch.where(alive, H[:, j, j], torch.ones_like(H[:, j, j]))
        length = w.norm(dim=1)
        alive = alive & (length > _NOTHING)
        if j + 1 < size:
            H[:, j + 1, j] = torch.where(alive, length, torch.zeros_like(length))
            basis.append(torch.where(alive[:, None], w / length.clamp_min(1e-300)[:, None], torch.zeros_like(w)))
    return H


@torch.no_grad()
def first_log(H: Tensor) -> Tensor:
    """Return the real part of e₁ᵀ log(H) e₁ of matrices (r, k, k): log |λ| of a negative eigenvalue."""
    values, vectors = torch.linalg.eig(H)
    first = torch.zeros_like(vectors[:, :, :1])
    first[:, 0] = 1
    inverse = torch.linalg.solve(vectors, first)[:, :, 0]
    return (vectors[:, 0] * values.log() * inverse).sum(dim=1).real
