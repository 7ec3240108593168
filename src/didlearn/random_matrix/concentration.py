"""Do quadratic forms of features concentrate as a Gaussian's do?

    r_Q(d) = Var(‖P x‖²_B) / Var_Gauss,    P a random projection to d dimensions, B = I or Σ̂_A^{-1}

The universality of Gram matrices needs only Var(‖x‖² / p) → 0: a ratio that stays bounded is enough, and 0.3 to 3 is
common for features that are not Gaussian at all. A ratio that grows in proportion to d is the failure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from didlearn.arrays import Floats, Ints
from didlearn.errors import DataError
from didlearn.random_matrix.features import centred, labelled_features, varying_basis
from didlearn.random_matrix.pivotal import PER_DIMENSION, SHARE

_VARYING = 1e-9


@dataclass(frozen=True)
class ConcentrationCurve:
    """r_Q over the dimensions projected to.

    Attributes:
        dimensions: (d,). plain, whitened: r_Q with B = I and B = Σ̂_A^{-1}, mean over projections, (d,).
        plain_error, whitened_error: standard deviation over projections, (d,); NaN of one projection alone.
        plain_slope, whitened_slope: of log r_Q against log dimension: about 0 where features concentrate, 1 where not;
            None of one dimension alone.
    """

    dimensions: Ints
    plain: Floats
    whitened: Floats
    plain_error: Floats
    whitened_error: Floats
    plain_slope: float | None
    whitened_slope: float | None


def concentration_curve(
    features: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    projections: int = 8,
    dimensions: ArrayLike | None = None,
) -> ConcentrationCurve:
    """Return r_Q against dimension, of features about their class means.

    Args:
        features: (n, p). labels: (n,).
        rng: of projections and splits. projections: for each dimension.
        dimensions: to project to; by default powers of two up to what the rows allow (n_A ≥ 3 d).

    Raises:
        UsageError: shapes disagree.
        DataError: features not finite, or too few rows.
    """
    samples = labelled_features(features, labels)
    rows = centred(samples)
    basis = varying_basis(rows)
    rows = rows @ basis
    most = min(basis.shape[1], int(SHARE * len(rows)) // PER_DIMENSION)
    sizes = _dimensions(most, basis.shape[1], len(rows)) if dimensions is None else np.asarray(dimensions, np.int64)
    if (sizes < 1).any() or (sizes > most).any():
        raise DataError(f"dimensions {sizes.tolist()} were asked of {len(rows)} rows; they allow 1 to {most}")
    found = np.array([[_ratios(rows, int(d), rng) for _ in range(projections)] for d in sizes])
    mean, spread = found.mean(1), found.std(1, ddof=1) if projections > 1 else np.full((len(sizes), 2), np.nan)
    slopes = [_slope(sizes, mean[:, i]) for i in range(2)]
    return ConcentrationCurve(sizes, mean[:, 0], mean[:, 1], spread[:, 0], spread[:, 1], slopes[0], slopes[1])


def _dimensions(most: int, rank: int, rows: int) -> Ints:
    if most < min(4, rank):
        raise DataError(f"{rows} rows are too few for a concentration curve; give at least 20")
    powers = 2 ** np.arange(0 if most < 4 else 2, int(np.log2(most)) + 1)
    return np.unique(np.append(powers, most))


def _ratios(rows: Floats, d: int, rng: np.random.Generator) -> tuple[float, float]:
    x = rows[rng.permutation(len(rows))]
    if d < x.shape[1]:
        x = x @ np.linalg.qr(rng.normal(size=(x.shape[1], d)))[0]
    first = int(SHARE * len(x))
    whitened, kept = _whitened(x, first)
    null, _ = _whitened(rng.normal(size=(len(x), kept)), first)
    return _plain(x), float(np.var(whitened) / np.var(null))


def _plain(x: Floats) -> float:
    """Return Var ‖x‖² / (2 tr Σ²), tr Σ² without the bias of estimation (tr S² − (tr S)² / n)."""
    n = len(x)
    cov = x.T @ x / (n - 1)
    square = (float((cov**2).sum()) - np.trace(cov) ** 2 / n) * n**2 / ((n - 1) * (n + 2))
    return float(np.var((x**2).sum(1), ddof=1) / (2 * square))


def _whitened(x: Floats, first: int) -> tuple[Floats, int]:
    """Return ‖x‖² of the second part over the directions in which the first varies, and how many these are."""
    a = x[:first] - x[:first].mean(0)
    values, vectors = scipy.linalg.eigh(a.T @ a / (first - 1))
    kept = values > _VARYING * values.max()
    return (((x[first:] - x[:first].mean(0)) @ vectors[:, kept]) ** 2) @ (1 / values[kept]), int(kept.sum())


def _slope(sizes: Ints, ratios: Floats) -> float | None:
    if len(sizes) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(ratios, 1e-12)), 1)[0])
