"""Does the Gram matrix of features look like that of a Gaussian mixture with the same moments?

The moments come from many fresh samples of the same source (at least 50 p in each class: see ``sample_size``), the
Gram matrix G = Xᵀ X / p from others. Replicates are drawn from the mixture, and the data are placed among them by the
spectrum, the leading eigenvalues, how well the leading eigenvectors span the classes, and spectral clustering.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score
from threadpoolctl import threadpool_limits

from didlearn.errors import DataError, UsageError
from didlearn.random_matrix.mixture import Array
from didlearn.random_matrix.replicates import Placement, kolmogorov, place, place_scalar, wasserstein
from didlearn.random_matrix.sample_size import moment_samples
from didlearn.random_matrix.samples import Samples, as_samples
from didlearn.random_matrix.surrogate import GaussianMixture


@dataclass(frozen=True)
class MomentResult:
    """The Gram matrix against replicates with the same moments.

    Attributes:
        statistics: ``wasserstein`` and ``kolmogorov`` of the spectrum, ``eigenvalue_1`` … the leading ones, and with
            several classes ``angle_1`` … (cosines of the principal angles between the leading eigenvectors and the
            span of the class indicators) and ``clustering`` (normalised mutual information of k-means on them).
        eigenvalues: the non-zero spectrum of the data, ascending, (m,). replicate_eigenvalues: (B, m).
        vectors: leading eigenvectors of the data, (n, k). replicate_vectors: of the first replicate.
        labels: (n,), classes of their rows, from 0.
    """

    statistics: dict[str, Placement]
    eigenvalues: Array
    replicate_eigenvalues: Array
    vectors: Array
    replicate_vectors: Array
    labels: NDArray[np.int64]

    @property
    def p_value(self) -> float:
        """Return the p-value of the spectrum's W₁ distance."""
        return self.statistics["wasserstein"].p_value


@dataclass(frozen=True)
class _Member:
    eigenvalues: Array
    vectors: Array
    cosines: Array
    clustering: float


def moment_test(
    features: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    moments: GaussianMixture,
    rng: np.random.Generator,
    replicates: int = 99,
    leading: int = 5,
    allow_few: bool = False,
) -> MomentResult:
    """Place the Gram matrix of features among those of Gaussian mixtures with the given moments.

    Args:
        features: (n, p), none of them among those the moments came from. labels: (n,).
        moments: ``fit_mixture`` of fresh samples, with ``shrink=True``, at least 50 p per class.
        rng: of the replicates. replicates: B ≥ 19.
        leading: how many leading eigenvalues get a statistic of their own.
        allow_few: run with fewer fresh samples too; truly Gaussian features may then be rejected.

    Raises:
        UsageError: shapes disagree, or fewer than 19 replicates.
        DataError: features not finite, or the moments come from too few samples.
    """
    samples = as_samples(features, labels)
    _check(samples, moments, replicates, allow_few)
    order = np.argsort(samples.labels, kind="stable")
    ordered = samples.labels[order]
    k = len(samples.names)
    seed = int(rng.integers(2**31))
    with threadpool_limits(1):
        family = [_member(samples.features[order], ordered, k, seed)]
        draws = (moments.draw(samples.counts, rng)[0] for _ in range(replicates))
        family += [_member(rows, ordered, k, seed) for rows in draws]
    spectra = np.array([member.eigenvalues for member in family])
    statistics = {"wasserstein": place(wasserstein(spectra)), "kolmogorov": place(kolmogorov(spectra))}
    for i in range(min(leading, spectra.shape[1])):
        statistics[f"eigenvalue_{i + 1}"] = place_scalar(spectra[:, -1 - i])
    if k > 1:
        cosines = np.array([member.cosines for member in family])
        statistics |= {f"angle_{i + 1}": place_scalar(cosines[:, i]) for i in range(cosines.shape[1])}
        statistics["clustering"] = place_scalar(np.array([member.clustering for member in family]))
    return MomentResult(statistics, spectra[0], spectra[1:], family[0].vectors, family[1].vectors, ordered)


def _check(samples: Samples, moments: GaussianMixture, replicates: int, allow_few: bool) -> None:
    if replicates < 19:
        raise UsageError(f"{replicates} replicates cannot reach a p-value of 0.05; give at least 19")
    expected = (len(samples.names), samples.features.shape[1])
    if moments.means.shape != expected:
        raise UsageError(f"the moments are of {moments.means.shape} (classes, features), the features of {expected}")
    need = moment_samples(samples.features.shape[1]).per_class
    if moments.counts.min() < need and not allow_few:
        raise DataError(
            f"the moments of a class come from {moments.counts.min()} samples; draw {need} fresh ones of each class, "
            "or use the pivotal test"
        )


def _member(rows: Array, labels: NDArray[np.int64], classes: int, seed: int) -> _Member:
    """Return what is compared of one data set; its rows lie in order of the classes."""
    n, p = rows.shape
    if n <= p:
        values, vectors = np.linalg.eigh(rows @ rows.T / p)
        top = vectors[:, ::-1][:, :classes]
    else:
        values, right = np.linalg.eigh(rows.T @ rows / p)
        top = np.linalg.qr(rows @ right[:, ::-1][:, :classes])[0]
    values = np.maximum(values, 0)
    if classes == 1:
        return _Member(values, top, np.zeros(0), 0.0)
    indicators = np.eye(classes)[labels] / np.sqrt(np.bincount(labels))
    cosines = np.linalg.svd(indicators.T @ top, compute_uv=False)
    found = KMeans(classes, n_init=3, random_state=seed).fit_predict(top)
    return _Member(values, top, cosines, float(normalized_mutual_info_score(labels, found)))
