"""The Vendi score: how many different images a sample holds (Friedman & Dieng 2023; orders: Pasarkar & Dieng 2024).

exp of the Rényi entropy of order q of the eigenvalues of K / n, with K the cosine similarities:
VS_q = (Σ λ_i^q)^{1/(1−q)}, and exp(−Σ λ_i log λ_i) for q = 1. It is between 1 (all alike) and n (all orthogonal).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy import linalg

from didlearn.arrays import ArrayOrTensor, Floats
from didlearn.errors import DataError, UsageError
from didlearn.statistics.fidelity.features import as_features
from didlearn.statistics.fidelity.influence import LogInfluence

_ROUNDING = 1e-8
_NEAR_ONE = 1e-7  # orders this close to 1 divide rounding by nearly zero


def vendi_score(x: ArrayOrTensor, order: float = 1, kernel: Literal["cosine", "precomputed"] = "cosine") -> float:
    """Return the Vendi score of order ``order``.

    Args:
        x: (n, D) features, or with ``kernel="precomputed"`` similarities (n, n) with ones on the diagonal. Rows of
            zeros have no direction; they count as alike one another and as orthogonal to all others.
        order: q ≥ 0, ``math.inf`` too. Small orders count rare kinds of images, large ones common kinds; order 0 is
            the rank, order 1 Shannon's entropy, order ∞ 1 / λ_max.
        kernel: ``"cosine"`` of features, or ``"precomputed"``.

    Raises:
        UsageError: ``order`` is negative or NaN, or there is no such kernel.
        DataError: rows that cannot be used, or similarities that are no positive semi-definite kernel.
    """
    if not order >= 0:
        raise UsageError(f"the order of a Vendi score is 0 or more, got {order}; 1 is usual")
    if kernel == "cosine":
        values = _spectrum(_directions(as_features("x", x, 1)))[0]
    elif kernel == "precomputed":
        values = _precomputed(as_features("x", x, 1))
    else:
        raise UsageError(f"there is no kernel {kernel!r} for a Vendi score; there are cosine and precomputed")
    return _score(values, order)


def vendi_influence(x: ArrayOrTensor) -> LogInfluence:
    """Return the Vendi score of order 1 with each row's influence on its logarithm.

    log VS_1 = −tr ρ log ρ with ρ the mean of the rows' projectors z zᵀ, so a row's influence is
    −zᵀ (log ρ) z − log VS_1.

    Raises:
        DataError: rows that cannot be used.
    """
    rows = _directions(as_features("x", x))
    values, shares = _spectrum(rows)
    log = math.log(_score(values, 1))
    kept = values > 0
    return LogInfluence(math.exp(log), log, -(shares[:, kept] @ np.log(values[kept])) - log)


def _directions(x: Floats) -> Floats:
    largest = np.abs(x).max(axis=1, keepdims=True)
    scaled = x / np.where(largest > 0, largest, 1)
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    empty = norm == 0
    unit: Floats = scaled / np.where(empty, 1, norm)
    return np.concatenate([unit, empty.astype(float)], axis=1) if empty.any() else unit


def _spectrum(rows: Floats) -> tuple[Floats, Floats]:
    """The eigenvalues of K / n (or of the smaller matrix with the same), and each row's squared share in each."""
    n, width = rows.shape
    if width <= n:
        values, vectors = linalg.eigh(rows.T @ rows / n, check_finite=False)
        return _clean(values, n), np.square(rows @ vectors)
    values, vectors = linalg.eigh(rows @ rows.T / n, check_finite=False)
    return _clean(values, n), np.square(vectors) * values * n


def _precomputed(kernel: Floats) -> Floats:
    n = len(kernel)
    if kernel.shape != (n, n) or np.abs(kernel - kernel.T).max() > _ROUNDING:
        raise DataError(f"similarities must be a symmetric (n, n) matrix, got shape {kernel.shape}")
    if np.abs(kernel.diagonal() - 1).max() > _ROUNDING:
        raise DataError("similarities must be 1 on the diagonal: an image is wholly like itself")
    values: Floats = np.linalg.eigvalsh(kernel / n).astype(np.float64)
    if values[0] < -_ROUNDING:
        raise DataError(
            f"similarities have the eigenvalue {n * values[0]:.3g} and are no positive semi-definite kernel"
        )
    return _clean(values, n)


def _clean(values: Floats, n: int) -> Floats:
    """Zero what is nothing but rounding, which small orders would count as kinds of images."""
    noise = max(n, len(values)) * np.finfo(float).eps * values[-1]
    return np.where(values > noise, values, 0.0)


def _score(values: Floats, order: float) -> float:
    positive = values[values > 0]
    if abs(order - 1) < _NEAR_ONE:
        return float(np.exp(-(positive * np.log(positive)).sum()))
    if math.isinf(order):
        return float(1 / positive.max())
    largest = float(positive.max())
    # About the largest, for λ^q underflows at large orders.
    log_sum = order * math.log(largest) + math.log(((positive / largest) ** order).sum())
    return math.exp(log_sum / (1 - order))
