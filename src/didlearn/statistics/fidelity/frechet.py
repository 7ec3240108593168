"""The Fréchet distance of two samples' first two moments (Heusel et al. 2017: FID, with Inception features).

d² = ‖μ_r − μ_g‖² + tr Σ_r + tr Σ_g − 2 tr (Σ_r Σ_g)^½

With Σ_r = AᵀA and Σ_g = BᵀB the last trace is the nuclear norm of A Bᵀ, a sum of singular values: no root of a matrix
that is not symmetric, nothing to regularise where there are fewer images than dimensions, and a matrix no larger than
the number of images or of dimensions, whichever is less. Of many well-conditioned features the eigenvalues of a
symmetric product give the same sooner.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from didlearn.arrays import ArrayOrTensor, Floats
from didlearn.errors import DataError
from didlearn.statistics.fidelity.covariance_root import covariance, root_trace
from didlearn.statistics.fidelity.features import as_features, as_pair
from didlearn.statistics.fidelity.influence import Influences

Moments = tuple[Floats, Floats]

EIGENVALUES_FROM = 128  # features: of fewer either way takes no time
FACTORED_AT_ONCE = 4  # rows taken into a triangular factor at once, in multiples of the dimension
_ROUNDING = 1e-8
_HARMLESS, _NOTHING = 1e-9, 1e-12  # what rounding may move: of the distance, and of the variances


def frechet_distance(*, real: ArrayOrTensor, generated: ArrayOrTensor) -> float:
    """Return the Fréchet distance between the Gaussians with the two samples' means and covariances.

    The covariances are divided by n − 1, as all peers do. It is a squared distance, in squared units of the features.
    Of finite samples it is biased upwards, the more the fewer there are: compare it at equal numbers only.

    Args:
        real: (n, D) features of real images. generated: (m, D) features of generated images.

    Raises:
        DataError: features that cannot be used, fewer than two rows, or different widths.
    """
    left, right = as_pair(real, generated)
    if min(len(left), len(right)) > left.shape[1] >= EIGENVALUES_FROM:
        quick = _by_eigenvalues(_moments(left), _moments(right))
        if quick is not None:
            return quick
    return _frechet_of(factor(left), factor(right))


def frechet_from_moments(
    *,
    real_mean: ArrayOrTensor,
    real_covariance: ArrayOrTensor,
    generated_mean: ArrayOrTensor,
    generated_covariance: ArrayOrTensor,
) -> float:
    """Return the Fréchet distance between the Gaussians with these means (D,) and covariances (D, D).

    Where covariances are singular, their rounding costs about D·10⁻⁸ of their norm; ``frechet_distance`` does not.

    Raises:
        DataError: the moments do not fit together, or a covariance is not symmetric and positive semi-definite.
    """
    left = _checked_moments("real", real_mean, real_covariance)
    right = _checked_moments("generated", generated_mean, generated_covariance)
    if left[0].shape != right[0].shape:
        raise DataError(f"the means have {len(left[0])} and {len(right[0])} features; give the same embedding's")
    if _is_positive(right[1]):  # of the left one the eigenvalues tell
        quick = _by_eigenvalues(left, right)
        if quick is not None:
            return quick
    return _frechet_of(_factor_of_moments("real", *left), _factor_of_moments("generated", *right))


def frechet_influence(*, real: ArrayOrTensor, generated: ArrayOrTensor) -> Influences:
    """Return the Fréchet distance with each image's influence, the derivative by its weight.

    With A Bᵀ = U S Vᵀ the derivative of the nuclear norm by the weight of real row i is (U S Uᵀ)_ii / 2, so image i
    pulls by ‖x_i − μ_r‖² + 2 (μ_r − μ_g)·(x_i − μ_r) − n (U S Uᵀ)_ii, less the mean. Nothing is
    inverted, so fewer images than dimensions are no exception.

    Raises:
        DataError: as ``frechet_distance``.
    """
    left, right = as_pair(real, generated)
    mean, other = left.mean(axis=0), right.mean(axis=0)
    q, a = linalg.qr((left - mean) / np.sqrt(len(left) - 1), mode="economic", check_finite=False)
    p, b = linalg.qr((right - other) / np.sqrt(len(right) - 1), mode="economic", check_finite=False)
    u, s, v = linalg.svd(a @ b.T, full_matrices=False, check_finite=False)
    gap = mean - other
    value = max(0.0, float(gap @ gap + (a * a).sum() + (b * b).sum() - 2 * s.sum()))
    return Influences(value, _pull(left - mean, gap, q @ u, s), _pull(right - other, -gap, p @ v.T, s))


def frechet_influence_from_moments(
    *, real_mean: ArrayOrTensor, real_covariance: ArrayOrTensor, generated: ArrayOrTensor
) -> Influences:
    """Return the Fréchet distance from given moments, (D,) and (D, D), with each generated image's influence.

    What the moments owe to the images that they were taken from is not known, and is no part of the error.

    Raises:
        DataError: the moments or the features (m, D) cannot be used, or do not fit together.
    """
    mean, sigma = _checked_moments("real", real_mean, real_covariance)
    rows = as_features("generated", generated, 2)
    if rows.shape[1] != len(mean):
        raise DataError(f"the means have {len(mean)} features and the images {rows.shape[1]}; give one embedding's")
    _, a = _factor_of_moments("real", mean, sigma)
    other = rows.mean(axis=0)
    p, b = linalg.qr((rows - other) / np.sqrt(len(rows) - 1), mode="economic", check_finite=False)
    _, s, v = linalg.svd(a @ b.T, full_matrices=False, check_finite=False)
    gap = mean - other
    value = max(0.0, float(gap @ gap + (a * a).sum() + (b * b).sum() - 2 * s.sum()))
    return Influences(value, np.empty(0), _pull(rows - other, -gap, p @ v.T, s))


def _pull(centred: Floats, gap: Floats, directions: Floats, s: Floats) -> Floats:
    pull = np.square(centred).sum(axis=1) + 2 * centred @ gap - len(centred) * (np.square(directions) @ s)
    return pull - pull.mean()


def factor(rows: Floats) -> tuple[Floats, Floats]:
    """Return the mean (D,) and an upper triangular A, (min(n, D), D), with AᵀA the covariance.

    Rows are taken in by blocks: an orthogonal reduction, which keeps directions that the covariance itself would lose
    in rounding.
    """
    n, width = rows.shape
    mean = rows.mean(axis=0)
    found = np.empty((0, width))
    step = max(FACTORED_AT_ONCE * width, 1024)
    for start in range(0, n, step):
        stacked = np.concatenate([found, rows[start : start + step] - mean])
        found = linalg.qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0][: min(stacked.shape)]
    return mean, found / np.sqrt(n - 1)


def _frechet_of(real: tuple[Floats, Floats], generated: tuple[Floats, Floats]) -> float:
    """Return the Fréchet distance of two (mean, factor), as ``factor`` returns them."""
    (mean, a), (other, b) = real, generated
    cross = linalg.svdvals(a @ b.T, check_finite=False).sum()
    gap = mean - other
    return max(0.0, float(gap @ gap + (a * a).sum() + (b * b).sum() - 2 * cross))


def _by_eigenvalues(real: Moments, generated: Moments) -> float | None:
    """Return the Fréchet distance of means (D,) and covariances (D, D), of which lower triangles are read.

    ``None`` where eigenvalues would round too much of it away, or the first covariance is singular.
    """
    (mean, first), (other, second) = real, generated
    found = root_trace(first, second)
    if found is None:
        return None
    gap = mean - other
    distance = float(gap @ gap) + found.traces - 2 * found.root
    if 2 * found.doubt > max(_HARMLESS * distance, _NOTHING * found.traces):
        return None
    return max(0.0, distance)


def _moments(rows: Floats) -> Moments:
    mean = rows.mean(axis=0)
    return mean, covariance(rows, mean)


def _checked_moments(name: str, mean: ArrayOrTensor, given: ArrayOrTensor) -> Moments:
    centre = as_features(f"{name}_mean", np.asarray(mean).reshape(1, -1), 1)[0]
    sigma = as_features(f"{name}_covariance", given, 1)
    if sigma.shape != (len(centre), len(centre)):
        raise DataError(f"{name}_covariance must be ({len(centre)}, {len(centre)}) like its mean, got {sigma.shape}")
    if np.abs(sigma - sigma.T).max() > _ROUNDING * float(np.abs(sigma).max()):
        raise DataError(f"{name}_covariance is not symmetric; give cov(features, rowvar=False)")
    return centre, (sigma + sigma.T) / 2


def _is_positive(sigma: Floats) -> bool:
    """Whether a covariance has no direction without variance, as its Cholesky factor tells."""
    try:
        linalg.cholesky(sigma, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return False
    return True


def _factor_of_moments(name: str, centre: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    values, vectors = linalg.eigh(sigma)
    if values[0] < -_ROUNDING * len(centre) * float(np.abs(sigma).max()):
        raise DataError(f"{name}_covariance has the eigenvalue {values[0]:.3g} and is no covariance")
    return centre, np.sqrt(values.clip(0))[:, None] * vectors.T
