"""The best linear subspace of a set of images: what any linear generator of that latent size could reach at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from didlearn.arrays import Features, Floats

MOMENT_ROWS = 8192


@dataclass(frozen=True, eq=False)
class Subspace:
    """The mean (D,) and the leading principal directions (D, d), orthonormal, of a set."""

    mean: Floats
    directions: Floats

    def error(self, x: Features) -> Floats:
        """Mean squared distance per pixel of rows (n, D) from the subspace: ‖(I − UUᵀ)(x − m)‖² / D, (n,)."""
        centred = x.astype(np.float64) - self.mean
        along = centred @ self.directions
        return np.maximum(0.0, np.square(centred).sum(axis=1) - np.square(along).sum(axis=1)) / x.shape[1]


def principal_subspace(x: Features, dimension: int) -> Subspace:
    """Return the subspace of ``dimension`` d nearest, in mean square, to rows (n, D).

    Through the covariance (D, D) or, where there are fewer images than pixels, their Gram matrix (n, n).
    """
    mean = x.mean(axis=0, dtype=np.float64)
    return Subspace(mean, leading_directions(x, mean, min(dimension, max(1, len(x) - 1)))[1])


def leading_directions(
    x: Features, mean: Floats, dimension: int, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the largest eigenvalues of Σ w (x − m)(x − m)ᵀ, descending, and their directions (D, d), orthonormal.

    Directions that rows (n, D) do not reach are left out, so there may be fewer than ``dimension``.
    """
    n, D = x.shape
    d = min(dimension, n, D)
    if d < 1:
        return np.zeros(0), np.zeros((D, 0))
    roots = np.ones(n) if weights is None else np.sqrt(weights)
    if n <= D:
        rows = (x - mean) * roots[:, None]
        values, vectors = scipy.linalg.eigh(rows @ rows.T, subset_by_index=[n - d, n - 1])
        kept = values > 1e-10 * max(float(values[-1]), 1e-300)
        directions = rows.T @ (vectors[:, kept] / np.sqrt(values[kept]))
        return values[kept][::-1], directions[:, ::-1]
    moments = np.zeros((D, D))
    for start in range(0, n, MOMENT_ROWS):
        block = (x[start : start + MOMENT_ROWS] - mean) * roots[start : start + MOMENT_ROWS, None]
        moments += block.T @ block
    values, directions = scipy.linalg.eigh(moments, subset_by_index=[D - d, D - 1])
    return values[::-1], directions[:, ::-1]
