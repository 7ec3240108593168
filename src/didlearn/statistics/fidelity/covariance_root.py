"""tr (Σ_r Σ_g)^½ from the eigenvalues of a symmetric product, where their rounding is known to be harmless.

With Σ_r = L Lᵀ (Cholesky) the product Σ_r Σ_g has the eigenvalues λ of Lᵀ Σ_g L, which is symmetric, and the trace is
Σ √λ. Each λ is computed within ε λ_max, hence √λ within ε λ_max / 2√λ: of nearly singular covariances that is much,
and the caller does better without them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack

from didlearn.arrays import Floats

_ROWS = 4096


class RootTrace(NamedTuple):
    """The traces of two covariances and of the root of their product, and how far rounding may move the last."""

    traces: float
    root: float
    doubt: float


def root_trace(first: Floats, second: Floats) -> RootTrace | None:
    """Return the traces for the lower triangles of two covariances (D, D); ``None`` where the first is singular."""
    traces = float(np.trace(first) + np.trace(second))
    try:
        lower = linalg.cholesky(first, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return None
    product, _ = lapack.dsygst(second, lower, itype=2, lower=1)
    values = linalg.eigh(product, eigvals_only=True, overwrite_a=True, check_finite=False)
    rounding = float(np.finfo(np.float64).eps * values[-1])
    doubt = rounding * float((0.5 / np.sqrt(np.maximum(values, rounding))).sum()) if rounding > 0 else 0.0
    return RootTrace(traces, float(np.sqrt(values.clip(0)).sum()), doubt)


def covariance(rows: Floats, mean: Floats) -> Floats:
    """Return the lower triangle of the covariance (D, D) of rows (n, D), above zeros; divided by n − 1."""
    width = rows.shape[1]
    found = np.zeros((width, width), order="F")
    for start in range(0, len(rows), _ROWS):
        block = rows[start : start + _ROWS] - mean
        found = blas.dsyrk(1 / (len(rows) - 1), block.T, beta=1.0, c=found, overwrite_c=1, lower=1)
    lower: Floats = found
    return lower
