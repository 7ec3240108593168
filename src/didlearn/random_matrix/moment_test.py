"""Does the Gram matrix of features look like that of a Gaussian mixture with the same moments?

Replicates are rotations of the features together with fresh ones of the same source (see ``rotation``): they have the
same class means and covariances, and for a true mixture they and the features are exchangeable, so every p-value is
exact, however few the samples and whatever the covariances. The features are placed among them by the spectrum of
G = Xᵀ X / p, its leading eigenvalues and the upper edge about the class means, and by what the leading eigenvectors
know of the classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError
from didlearn.parallel import limited_blas
from didlearn.random_matrix.features import LabelledFeatures, labelled_features
from didlearn.random_matrix.replicates import Placement, kolmogorov, place, place_scalar, wasserstein
from didlearn.random_matrix.rotation import Rotations, fit_rotations

_PAIR = 2


@dataclass(frozen=True)
class MomentResult:
    """The Gram matrix against replicates with the same moments.

    Attributes:
        statistics: ``wasserstein`` and ``kolmogorov`` of the spectrum; about the class means ``edge`` (the largest
            eigenvalue), ``radius`` and ``leverage`` (variance over rows of ‖x‖² and of the Mahalanobis ‖x‖², which is
            Mardia's kurtosis); ``eigenvalue_1`` … the leading ones; with several classes ``angle_1`` … (cosines of the
            principal angles between the leading eigenvectors and the span of the class indicators) and ``clustering``
            (normalised mutual information of k-means on them).
        eigenvalues: the non-zero spectrum of the data, ascending, (m,). replicate_eigenvalues: (B, m).
        scalars: of the data and the replicates, (B + 1,) each: ``edge``, ``radius`` and, where there are more rows in a
            class than dimensions, ``leverage``; with several classes ``angle_1`` … and ``clustering``.
        vectors: leading eigenvectors of the data, (n, max(k, 2)). replicate_vectors: of the first replicate.
        labels: (n,), classes of their rows, from 0.
    """

    statistics: dict[str, Placement]
    eigenvalues: Floats
    replicate_eigenvalues: Floats
    scalars: dict[str, Floats]
    vectors: Floats
    replicate_vectors: Floats
    labels: Ints

    @property
    def p_value(self) -> float:
        """Return the p-value of the spectrum's W₁ distance."""
        return self.statistics["wasserstein"].p_value


@dataclass(frozen=True)
class _Member:
    eigenvalues: Floats
    scalars: dict[str, float]
    vectors: Floats
    classes: dict[str, float]


def moment_test(
    features: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    fresh: ArrayLike | None = None,
    fresh_labels: ArrayLike | None = None,
    rng: np.random.Generator,
    replicates: int = 99,
    leading: int = 5,
) -> MomentResult:
    """Place the Gram matrix of features among those of rotated samples, which have the same moments.

    Args:
        features: (n, p). labels: (n,).
        fresh: more rows of the same source, (m, p): the more, the nearer are the moments kept to the population's.
            Without them a spectrum of more rows than dimensions cannot differ, for rotations keep the moments.
        fresh_labels: (m,), needed with ``labels``.
        rng: of the replicates. replicates: B ≥ 19.
        leading: how many leading eigenvalues get a statistic of their own.

    Raises:
        UsageError: shapes disagree, or fewer than 19 replicates.
        DataError: features not finite, or a class has too few rows.
    """
    if replicates < 19:
        raise UsageError(f"{replicates} replicates cannot reach a p-value of 0.05; give at least 19")
    samples, pool, pool_labels = _pooled(features, labels, fresh, fresh_labels)
    rotations = fit_rotations(pool, pool_labels)
    order = np.argsort(samples.labels, kind="stable")
    ordered = samples.labels[order]
    about = _About(rotations, ordered)
    seed = int(rng.integers(2**31))
    with limited_blas(1):
        family = [_member(samples.features[order], about, ordered, seed)]
        draws = (rotations.draw(samples.counts, rng)[0] for _ in range(replicates))
        family += [_member(rows, about, ordered, seed) for rows in draws]
    return MomentResult(
        _statistics(family, leading),
        family[0].eigenvalues,
        np.array([member.eigenvalues for member in family[1:]]),
        _collected([member.scalars | member.classes for member in family]),
        family[0].vectors,
        family[1].vectors,
        ordered,
    )


def _pooled(
    features: ArrayLike, labels: ArrayLike | None, fresh: ArrayLike | None, fresh_labels: ArrayLike | None
) -> tuple[LabelledFeatures, Floats, Ints]:
    samples = labelled_features(features, labels)
    if fresh is None:
        return samples, samples.features, samples.labels
    if (labels is None) != (fresh_labels is None):
        raise UsageError("labels were given for the features or for the fresh ones alone; give both or neither")
    more = labelled_features(fresh, fresh_labels, None if labels is None else samples.names)
    if more.features.shape[1] != samples.features.shape[1]:
        raise UsageError(
            f"features have {samples.features.shape[1]} dimensions, the fresh ones {more.features.shape[1]}; "
            "give the same features of both"
        )
    return (
        samples,
        np.concatenate([samples.features, more.features]),
        np.concatenate([samples.labels, more.labels]),
    )


def _statistics(family: list[_Member], leading: int) -> dict[str, Placement]:
    spectra = np.array([member.eigenvalues for member in family])
    statistics = {"wasserstein": place(wasserstein(spectra)), "kolmogorov": place(kolmogorov(spectra))}
    numbers = {
        **_collected([member.scalars for member in family]),
        **{f"eigenvalue_{i + 1}": spectra[:, -1 - i] for i in range(min(leading, spectra.shape[1]))},
        **_collected([member.classes for member in family]),
    }
    return statistics | {name: place_scalar(values) for name, values in numbers.items()}


def _collected(members: list[dict[str, float]]) -> dict[str, Floats]:
    return {name: np.array([member[name] for member in members]) for name in members[0]}


def _member(rows: Floats, about: _About, labels: Ints, seed: int) -> _Member:
    """Take the spectrum, leading eigenvectors and statistics of one data set; its rows lie in order of the classes."""
    n, p = rows.shape
    classes = int(labels[-1]) + 1
    count = max(classes, _PAIR)
    if n <= p:
        values, vectors = np.linalg.eigh(rows @ rows.T / p)
        top = vectors[:, ::-1][:, :count]
    else:
        values, right = np.linalg.eigh(rows.T @ rows / p)
        top = np.linalg.qr(rows @ right[:, ::-1][:, :count])[0]
    values = np.maximum(values, 0)
    known = {} if classes == 1 else _of_classes(top[:, :classes], labels, seed)
    return _Member(values, about.scalars(rows), top, known)


def _of_classes(vectors: Floats, labels: Ints, seed: int) -> dict[str, float]:
    """Return what the leading eigenvectors (n, k) know of the classes: cosines of angles, and the clustering.

    Of features with fewer dimensions than there are classes, so few eigenvectors, and so few angles.
    """
    sizes = np.bincount(labels)
    indicators = np.eye(len(sizes))[labels] / np.sqrt(sizes)
    cosines = np.linalg.svd(indicators.T @ vectors, compute_uv=False)
    found = KMeans(len(sizes), n_init=3, random_state=seed).fit_predict(vectors)
    angles = {f"angle_{i + 1}": float(cosine) for i, cosine in enumerate(cosines)}
    return angles | {"clustering": float(normalized_mutual_info_score(labels, found))}


class _About:
    """Statistics about what the rotations keep: the class means, and the scatter."""

    def __init__(self, rotations: Rotations, labels: Ints) -> None:
        self.centres = rotations.means[labels]
        self.starts = np.searchsorted(labels, np.arange(len(rotations.means)))[1:]
        full = all(len(f) < n - 1 for f, n in zip(rotations.factors, rotations.counts, strict=True))
        self.whiten = [np.linalg.pinv(factor) for factor in rotations.factors] if full else []

    def scalars(self, rows: Floats) -> dict[str, float]:
        """Return the edge, and the variances of ‖x‖² and of Mahalanobis ‖x‖²."""
        centred = rows - self.centres
        found = {"edge": _greatest(centred), "radius": float(np.var((centred**2).sum(1)))}
        if self.whiten:
            pieces = zip(np.split(centred, self.starts), self.whiten, strict=True)
            found["leverage"] = float(np.var(np.concatenate([((x @ w) ** 2).sum(1) for x, w in pieces])))
        return found


def _greatest(rows: Floats) -> float:
    n, p = rows.shape
    gram = rows @ rows.T if n <= p else rows.T @ rows
    return float(scipy.linalg.eigh(gram, eigvals_only=True, subset_by_index=[len(gram) - 1] * 2)[0]) / p
