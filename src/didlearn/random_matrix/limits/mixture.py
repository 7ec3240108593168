"""The population a spectrum belongs to: class means, covariances, proportions, and p / n."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from didlearn.arrays import Array, Floats
from didlearn.errors import UsageError

_NOISE = 10


@dataclass(frozen=True)
class Population:
    """k classes in p dimensions, n samples in all.

    Attributes:
        means: m_ℓ, (k, p).
        covariances: Σ_ℓ = C_ℓ − m_ℓ m_ℓᵀ, (k, p, p), symmetric and positive semidefinite.
        proportions: π_ℓ = n_ℓ / n, (k,), positive, summing to 1.
        ratio: c = p / n.
    """

    means: Floats
    covariances: Floats
    proportions: Floats
    ratio: float

    @property
    def dimension(self) -> int:
        """Return p."""
        return self.means.shape[1]

    @property
    def samples(self) -> float:
        """Return n = p / c."""
        return self.dimension / self.ratio

    @property
    def scale(self) -> float:
        """Return the mean variance of a feature, tr(Σ π_ℓ Σ_ℓ) / p."""
        return float(self.proportions @ np.trace(self.covariances, axis1=1, axis2=2)) / self.dimension


def population(means: ArrayLike, covariances: ArrayLike, proportions: ArrayLike, ratio: float) -> Population:
    """Return the population, every argument checked.

    Raises:
        UsageError: shapes disagree, a number is not finite, a covariance is not symmetric positive semidefinite, all
            of them vanish, a class is empty, or the ratio is not positive.
    """
    m, sigma, pi = (
        as_numbers("means", means, 2),
        as_numbers("covariances", covariances, 3),
        as_numbers("proportions", proportions, 1),
    )
    k, p = m.shape
    if not k or not p or sigma.shape != (k, p, p) or pi.shape != (k,):
        raise UsageError(
            f"means are {m.shape}, covariances {sigma.shape} and proportions {pi.shape}; give (k, p), (k, p, p), (k,)"
        )
    if (pi <= 0).any():
        raise UsageError(f"class {int(np.argmin(pi))} is empty (proportion {pi.min():g}); leave it out")
    if abs(pi.sum() - 1) > 1e-6:
        raise UsageError(f"proportions sum to {pi.sum():g}; give fractions that sum to 1")
    _check_ratio(ratio)
    return Population(m, _semidefinite(sigma), pi / pi.sum(), float(ratio))


def as_numbers(name: str, values: ArrayLike, dimensions: int) -> Floats:
    """Return an array or tensor in double precision.

    Raises:
        UsageError: it has other dimensions, is of no numbers, or holds some that are not finite.
    """
    try:
        array: Array = np.asarray(values.detach().cpu() if isinstance(values, torch.Tensor) else values)
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"{name} are no array ({error}); give {dimensions} dimensions of numbers") from error
    if array.ndim != dimensions or array.dtype.kind not in "fiub":
        raise UsageError(
            f"{name} is an array of {array.ndim} dimensions of {array.dtype}; give {dimensions} of numbers"
        )
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise UsageError(
            f"{name} holds {int((~np.isfinite(array)).sum())} numbers that are not finite; give finite ones"
        )
    return array


def _check_ratio(ratio: float) -> None:
    try:
        good = 0 < float(ratio) < np.inf
    except (TypeError, ValueError):
        good = False
    if not good:
        raise UsageError(f"ratio is {ratio!r}; give p / n, a positive number")


def _semidefinite(sigma: Floats) -> Floats:
    """Return the covariances, (k, p, p), freed of the asymmetry and negative eigenvalues that rounding leaves.

    Numbers that all are single precision are taken for rounded to it.
    """
    if not sigma.any():
        raise UsageError("every covariance is zero, so no spectrum is left; leave constant features out")
    single = bool((sigma == sigma.astype(np.float32)).all())
    return np.stack([_one_semidefinite(index, one, 1e-5 if single else 1e-9) for index, one in enumerate(sigma)])


def _one_semidefinite(index: int, one: Floats, rounding: float) -> Floats:
    size = float(np.abs(one).max())
    if np.abs(one - one.T).max() > 10 * rounding * size:
        raise UsageError(f"covariance {index} is not symmetric; give (S + Sᵀ) / 2")
    one = (one + one.T) / 2
    if not size or _positive(one, 1e-9 * size):
        return one
    if not _positive(one, rounding * size):
        raise UsageError(f"covariance {index} has a negative eigenvalue; give a positive semidefinite matrix")
    values, basis = np.linalg.eigh(one)
    values[values < _NOISE * -values[0]] = 0  # the most negative eigenvalue shows how large rounding's are
    return np.asarray((basis * values) @ basis.T, np.float64)


def _positive(one: Floats, margin: float) -> bool:
    _, info = torch.linalg.cholesky_ex(torch.from_numpy(one) + margin * torch.eye(len(one)))
    return not int(info)
