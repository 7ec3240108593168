"""The best linear subspace of a set of images: what any linear generator of that latent size could reach at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

Array = np.ndarray[Any, Any]
BLOCK = 8192


@dataclass(frozen=True, eq=False)
class Subspace:
    """The mean (D,) and the leading principal directions (D, d), orthonormal, of a set."""

    mean: Array
    directions: Array

    def error(self, x: Array) -> Array:
        """Mean squared distance per pixel of rows (n, D) from the subspace: ‖(I − UUᵀ)(x − m)‖² / D, (n,)."""
        centred = x.astype(np.float64) - self.mean
        along = centred @ self.directions
        return np.maximum(0.0, np.square(centred).sum(axis=1) - np.square(along).sum(axis=1)) / x.shape[1]


def principal_subspace(x: Array, dimension: int) -> Subspace:
    """Return the subspace of ``dimension`` d nearest, in mean square, to rows (n, D).

    Through the covariance (D, D) or, where there are fewer images than pixels, their Gram matrix (n, n).
    """
    mean = x.mean(axis=0, dtype=np.float64)
    n, D = x.shape
    d = min(dimension, D, n - 1)
    if n <= D:
        centred = x - mean
        values, vectors = scipy.linalg.eigh(centred @ centred.T, subset_by_index=[n - d, n - 1])
        directions = centred.T @ (vectors / np.sqrt(np.maximum(values, 1e-300)))
        kept = values > 1e-10 * max(float(values[-1]), 1e-300)
        return Subspace(mean, directions[:, kept])
    covariance = np.zeros((D, D))
    for start in range(0, n, BLOCK):
        block = x[start : start + BLOCK] - mean
        covariance += block.T @ block
    return Subspace(mean, scipy.linalg.eigh(covariance, subset_by_index=[D - d, D - 1])[1])
