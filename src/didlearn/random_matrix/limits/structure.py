"""What the covariances share, so that no p × p matrix is inverted where eigenvalues would do.

In a common orthogonal basis every Σ_ℓ becomes one dense block and a list of multiples of identities ("tails"):

    Σ_ℓ = U · blockdiag(dense_ℓ, tails_ℓ1 · I, tails_ℓ2 · I, …) · Uᵀ

One class, equal classes and covariances that commute have no dense block at all; low rank plus a multiple of the
identity has a block of that rank and one tail; covariances that share nothing are one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from didlearn.arrays import Floats, Ints
from didlearn.random_matrix.limits.inverse import symmetric_inverse

Numbers = NDArray[Any]
_TOLERANCE = 3e-9
_WORTHWHILE = 0.1


@dataclass(frozen=True)
class Blocks:
    """Covariances and means in their common basis.

    Attributes:
        dimension: p, which divides every trace.
        dense: (k, r, r) float64, on the device of the work.
        tails: (k, q), and how many dimensions each of them fills: weights (q,).
        dense_means: (r, k).
        tail_means, tail_index: rows (t, k) of means in the tails, and the tail of each row (t,).
    """

    dimension: int
    dense: torch.Tensor
    tails: Floats
    weights: Floats
    dense_means: torch.Tensor
    tail_means: Floats
    tail_index: Ints

    @cached_property
    def single(self) -> torch.Tensor:
        """Return ``dense`` in single precision."""
        return self.dense.float()

    def solve(self, weights: Numbers, z: complex) -> Solved:
        """Return Q = (Σ_j w_j Σ_j + z I)^{-1}; real where w and z are."""
        real = np.isrealobj(weights) and np.isrealobj(z)
        tail = 1 / (weights @ self.tails + z)
        if not self.dense.shape[1]:
            return Solved(self, weights, z, tail, self.dense.new_zeros(0, 0))
        return Solved(self, weights, z, tail, symmetric_inverse(self.matrix(weights, z, real)))

    def matrix(self, weights: Numbers, z: complex, real: bool) -> torch.Tensor:
        """Return the dense part of Σ_j w_j Σ_j + z I."""
        k, r, _ = self.dense.shape
        eye = torch.eye(r, dtype=torch.float64, device=self.dense.device)
        parts = [np.real(np.append(weights, z))] if real else [f(np.append(weights, z)) for f in (np.real, np.imag)]
        sums = [
            torch.from_numpy(w[:k].astype(float)).to(eye.device) @ self.dense.reshape(k, -1)
            + float(w[k]) * eye.flatten()
            for w in parts
        ]
        return (sums[0] if real else torch.complex(*sums)).reshape(r, r)


@dataclass(frozen=True)
class Solved:
    """Q at one point, and the traces that the equations ask of it."""

    blocks: Blocks
    weights: Numbers
    z: complex
    tail: Numbers
    dense: torch.Tensor

    def traces(self) -> Numbers:
        """Return (1/p) tr Σ_ℓ Q, (k,)."""
        b = self.blocks
        return (b.tails @ (b.weights * self.tail) + self._against(self.dense)) / b.dimension

    def squares(self) -> Numbers:
        """Return (1/p) tr Σ_ℓ Q², (k,)."""
        b = self.blocks
        return (b.tails @ (b.weights * self.tail**2) + self._against(self.dense @ self.dense)) / b.dimension

    def pairs(self, single: bool = False) -> Numbers:
        """Return (1/p) tr Σ_ℓ Q Σ_j Q, (k, k); ``single``: the dense part to six digits, in half the time."""
        b = self.blocks
        found = (b.tails * (b.weights * self.tail**2)) @ b.tails.T
        return (found + self._dense_pairs(single)) / b.dimension

    def means(self) -> Numbers:
        """Return A = Mᵀ Q M, (k, k)."""
        b = self.blocks
        m = b.dense_means.to(self.dense.dtype)
        dense = (m.T @ self.dense @ m).cpu().numpy() if len(m) else 0.0
        return (b.tail_means.T * self.tail[b.tail_index]) @ b.tail_means + dense

    def means_through(self, inner: Numbers, identity: complex = 0.0) -> Numbers:
        """Return Mᵀ Q (Σ_j inner_j Σ_j + identity · I) Q M, (k, k)."""
        b = self.blocks
        middle = (inner @ b.tails + identity) * self.tail**2
        found = (b.tail_means.T * middle[b.tail_index]) @ b.tail_means
        if not len(b.dense_means):
            return found
        qm = self.dense @ b.dense_means.to(self.dense.dtype)
        real = np.isrealobj(inner) and np.isrealobj(identity) and not self.dense.is_complex()
        core = b.matrix(inner, identity, real).to(self.dense.dtype)
        return found + (qm.T @ (core @ qm)).cpu().numpy()

    def phase(self) -> float:
        """Return Im log det(Σ_j w_j Σ_j + z I) over all p dimensions, on the branch with arguments in [−π, 0].

        With z = −x − i0 the matrix is B − iC, C ≥ 0 (see ``_phase``).
        """
        b = self.blocks
        angles = np.angle(1 / self.tail)
        tails = float(b.weights @ np.where(angles > 0, -angles, angles))
        return tails + self._dense_phase()

    def _dense_phase(self) -> float:
        if not len(self.dense):
            return 0.0
        if not self.dense.is_complex():
            values = torch.linalg.eigvalsh(self.blocks.matrix(self.weights, self.z, real=True))
            return -np.pi * float((values < 0).sum())
        return _phase(self.blocks.matrix(self.weights, self.z, real=False))

    def _against(self, matrix: torch.Tensor) -> Numbers:
        b = self.blocks
        k = len(b.dense)
        if not matrix.is_complex():
            return (b.dense.reshape(k, -1) @ matrix.flatten()).cpu().numpy()
        parts = (b.dense.reshape(k, -1) @ torch.view_as_real(matrix).reshape(-1, 2)).cpu().numpy()
        return parts[:, 0] + 1j * parts[:, 1]

    def _dense_pairs(self, single: bool) -> Numbers:
        dense, q = self.blocks.dense, self.dense
        if single:
            dense, q = self.blocks.single, q.to(torch.complex64 if q.is_complex() else torch.float32)
        k, r, _ = dense.shape
        if not r:
            return np.zeros((k, k))
        wide = dense.reshape(k * r, r)  # Σ_ℓ stacked: one product for all classes
        product = torch.complex(wide @ q.real, wide @ q.imag) if q.is_complex() else wide @ q
        product = product.reshape(k, r, r)
        left, right = product.reshape(k, -1), product.transpose(1, 2).reshape(k, -1)
        return (left @ right.T).cpu().numpy()


def _phase(matrix: torch.Tensor) -> float:
    """Return Im log det(B − iC), C > 0, on the branch that is −π r/2 at −iI.

    Schur complements keep C > 0, so halves are taken until by congruence the argument is that of the eigenvalues of
    (B, C), each minus i. The product of an LU's pivots would know it only up to multiples of 2π.
    """
    half = len(matrix) // 2
    if half >= 32:
        corner, side = matrix[:half, :half], matrix[:half, half:]
        return _phase(corner) + _phase(matrix[half:, half:] - side.T @ torch.linalg.solve(corner, side))
    root = torch.linalg.cholesky(-matrix.imag)
    left = torch.linalg.solve_triangular(root, matrix.real, upper=False)
    values = torch.linalg.eigvalsh(torch.linalg.solve_triangular(root, left.T, upper=False))
    return float(torch.atan2(-torch.ones_like(values), values).sum())


def common_blocks(means: Floats, covariances: Floats, device: str = "cpu") -> Blocks:
    """Return the covariances (k, p, p) and means (k, p) in the basis that leaves the least dense block."""
    sigma = torch.from_numpy(covariances).to(device)
    k, p, _ = sigma.shape
    mixed = torch.tensordot(torch.from_numpy(np.random.default_rng(0).uniform(1, 2, k)).to(device), sigma, 1)
    values, basis = torch.linalg.eigh(mixed)
    limit = _TOLERANCE * float(mixed.diagonal().abs().max())
    start, stop = _widest_cluster(values.cpu().numpy(), limit)
    rotated = basis.T @ sigma @ basis
    diagonal = rotated.diagonal(dim1=1, dim2=2)
    off = (rotated - torch.diag_embed(diagonal)).abs()
    if float(off.max()) <= limit:
        return _diagonal(diagonal.cpu().numpy(), (means @ basis.cpu().numpy()))
    shared = stop - start >= max(2, _WORTHWHILE * p) and _is_tail(off[:, start:stop], diagonal[:, start:stop], limit)
    if not shared:
        return _dense(sigma, torch.from_numpy(means).to(device))
    return _with_tail(rotated, torch.from_numpy(means).to(device) @ basis, start, stop)


def _widest_cluster(values: Floats, limit: float) -> tuple[int, int]:
    breaks = np.concatenate([[0], np.flatnonzero(np.diff(values) > limit) + 1, [len(values)]])
    best = int(np.argmax(np.diff(breaks)))
    return int(breaks[best]), int(breaks[best + 1])


def _is_tail(off: torch.Tensor, diagonal: torch.Tensor, limit: float) -> bool:
    spread = (diagonal.amax(1) - diagonal.amin(1)).max()
    return float(off.max()) <= limit and float(spread) <= limit


def _diagonal(tails: Floats, means: Floats) -> Blocks:
    tails = np.maximum(tails, 0)
    step = max(float(tails.max()), 1e-300) * 1e-13
    _, first, index, counts = np.unique(
        np.round(tails / step), axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    empty = torch.zeros(len(tails), 0, 0, dtype=torch.float64)
    none = torch.zeros(0, len(tails), dtype=torch.float64)
    place = index.reshape(-1).astype(np.int64)
    return Blocks(tails.shape[1], empty, tails[:, first], counts.astype(float), none, means.T.copy(), place)


def _dense(sigma: torch.Tensor, means: torch.Tensor) -> Blocks:
    k, p, _ = sigma.shape
    none, rows = np.zeros((k, 0)), np.zeros((0, k))
    return Blocks(p, sigma.contiguous(), none, np.zeros(0), means.T.contiguous(), rows, np.zeros(0, np.int64))


def _with_tail(rotated: torch.Tensor, means: torch.Tensor, start: int, stop: int) -> Blocks:
    p = rotated.shape[1]
    keep = torch.tensor([*range(start), *range(stop, p)], device=rotated.device)
    tails = rotated.diagonal(dim1=1, dim2=2)[:, start:stop].mean(1, keepdim=True).clamp(min=0).cpu().numpy()
    inside = torch.linalg.qr(means[:, start:stop].T, mode="r").R.cpu().numpy()
    dense = rotated[:, keep][:, :, keep].contiguous()
    index = np.zeros(len(inside), np.int64)
    return Blocks(p, dense, tails, np.array([float(stop - start)]), means[:, keep].T.contiguous(), inside, index)
