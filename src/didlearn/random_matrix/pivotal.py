"""Are features Gaussian, given only a few of them? An exact test that needs no moments at all.

A class is split in A and B. For Gaussian features the eigenvalues of Σ̂_A^{-1} Σ̂_B depend on neither mean nor
covariance (an F-matrix; its limit is Wachter's law), so the null is simulated with N(0, I) at the same sizes. It sees
what whitening brings out: heavy-tailed radii, latents of few dimensions, duplicated rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from didlearn.arrays import Floats
from didlearn.errors import DataError, UsageError
from didlearn.random_matrix.features import LabelledFeatures, centred, labelled_features, varying_basis
from didlearn.random_matrix.replicates import Placement, kolmogorov, place, place_scalar, wasserstein
from didlearn.random_matrix.rotation import wishart

SHARE = 0.6
PER_DIMENSION = 3
LEAST_DIMENSION = 4


@dataclass(frozen=True)
class PivotalResult:
    """The F-matrix test.

    Attributes:
        spectrum: W₁ of the eigenvalues from their null mean: the test. p_value: its p-value.
        statistics: beside it ``kolmogorov``, ``largest`` and ``smallest`` eigenvalue.
        dimension: of the features that were compared. projected: whether a random projection led there.
        sizes: (n_A, n_B) of each class, (k, 2).
        eigenvalues: of the data, ascending, (k, dimension). null_eigenvalues: mean of the replicates.
        null_largest: the replicates' largest eigenvalues, mean over classes, (B,).
    """

    spectrum: Placement
    statistics: dict[str, Placement]
    dimension: int
    projected: bool
    sizes: Floats
    eigenvalues: Floats
    null_eigenvalues: Floats
    null_largest: Floats

    @property
    def p_value(self) -> float:
        """Return the p-value of the test."""
        return self.spectrum.p_value


def pivotal_test(
    features: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    replicates: int = 99,
    dimension: int | None = None,
) -> PivotalResult:
    """Test that every class is Gaussian, whatever its mean and covariance.

    Rows go to A and B (three to two) by a random permutation within the class. Constant directions are left out;
    where a class has fewer than three rows in A for every dimension left, all features go through one random
    projection, under which Gaussian classes stay Gaussian.

    Args:
        features: (n, p). labels: (n,); without them all rows are one class.
        rng: of the split, the projection and the null.
        replicates: B; the p-value is a multiple of 1 / (B + 1).
        dimension: project to this many dimensions at most.

    Raises:
        UsageError: shapes disagree, or fewer than 19 replicates.
        DataError: features not finite, or too few rows (see ``sample_size.pivotal_samples``).
    """
    if replicates < 19:
        raise UsageError(f"{replicates} replicates cannot reach a p-value of 0.05; give at least 19")
    samples = labelled_features(features, labels)
    sizes = np.stack([np.floor(SHARE * samples.counts), samples.counts - np.floor(SHARE * samples.counts)], axis=1)
    basis, projected = _projection(samples, int(sizes[:, 0].min()) // PER_DIMENSION, dimension, rng)
    rows = samples.features @ basis
    pieces = [rows[samples.labels == label] for label in range(len(sizes))]
    data = [_eigenvalues(x[rng.permutation(len(x))], int(a)) for x, (a, _) in zip(pieces, sizes, strict=True)]
    d = basis.shape[1]
    null = [[_null_eigenvalues(int(a), int(b), d, rng) for a, b in sizes] for _ in range(replicates)]
    return _compare(np.array([data, *null]), sizes, projected)


def _projection(
    samples: LabelledFeatures, most: int, asked: int | None, rng: np.random.Generator
) -> tuple[Floats, bool]:
    """Return (p, d): the directions that vary, mixed down to at most ``most`` and ``asked`` dimensions."""
    basis = varying_basis(centred(samples))
    rank = basis.shape[1]
    d = min(rank, most, rank if asked is None else asked)
    if d < min(LEAST_DIMENSION, rank):
        need = int(np.ceil(PER_DIMENSION * LEAST_DIMENSION / SHARE))
        raise DataError(f"a class has {samples.counts.min()} rows; the F-matrix test needs at least {need} in each")
    if d == rank:
        return basis, False
    return basis @ np.linalg.qr(rng.normal(size=(rank, d)))[0], True


def _eigenvalues(rows: Floats, first: int) -> Floats:
    """Return the eigenvalues of Σ̂_A^{-1} Σ̂_B, ascending; A without full rank counts as eigenvalues without bound."""
    a, b = (part - part.mean(0) for part in (rows[:first], rows[first:]))
    return _relative(a.T @ a / (len(a) - 1), b.T @ b / (len(b) - 1))


def _null_eigenvalues(first: int, second: int, d: int, rng: np.random.Generator) -> Floats:
    return _relative(*(wishart(n - 1, d, rng) / (n - 1) for n in (first, second)))


def _relative(cov_a: Floats, cov_b: Floats) -> Floats:
    scale = np.sqrt(np.diag(cov_a))
    if scale.min() <= 0:
        return np.full(len(scale), np.inf)
    cov_a, cov_b = cov_a / np.outer(scale, scale), cov_b / np.outer(scale, scale)
    floor = 1e-12 * np.linalg.eigvalsh(cov_a).max()
    try:
        return scipy.linalg.eigh(cov_b, cov_a + floor * np.eye(len(scale)), eigvals_only=True)
    except np.linalg.LinAlgError:
        return np.full(len(scale), np.inf)


def _compare(spectra: Floats, sizes: Floats, projected: bool) -> PivotalResult:
    """Add up the classes' statistics; ``spectra`` is (B + 1, k, d), the data first."""
    finite = np.minimum(spectra, 1e12)
    k = spectra.shape[1]
    statistics = {
        "kolmogorov": place(np.sum([kolmogorov(finite[:, j]) for j in range(k)], axis=0)),
        "largest": place_scalar(finite[:, :, -1].mean(1)),
        "smallest": place_scalar(finite[:, :, 0].mean(1)),
    }
    spectrum = place(np.sum([wasserstein(finite[:, j]) for j in range(k)], axis=0))
    largest = finite[1:, :, -1].mean(1)
    return PivotalResult(
        spectrum, statistics, spectra.shape[2], projected, sizes, finite[0], finite[1:].mean(0), largest
    )
