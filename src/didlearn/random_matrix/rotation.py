"""Replicates of a Gaussian mixture that are exact whatever its means and covariances: rotated samples.

About their mean, n Gaussian rows Z (n, p) and O Z have the same law for every orthogonal O, so given Zᵀ Z and the mean
the rows are x̄ + U A, with A any root of Zᵀ Z and U a uniform (Haar) orthonormal frame without a constant part. Rows
drawn so have the moments of the sample itself, and yet data and replicates are exchangeable: where surrogates from
plug-in moments reject Gaussian data every time, a rotation test is exact (Langsrud 2005, conditional Monte Carlo).

Only the first m rows of U are wanted. Where m < r, rows are made orthonormal: the first m rows of a frame of N − 1 rows
are a corner of a Haar matrix, T^{-1} G with T Tᵀ = G Gᵀ + W, G (m × r) Gaussian and W Wishart of N − 1 − r degrees;
(I − 11ᵀ/N)^{1/2} leaves the constants out. Else columns are: with G₁ the Gaussian matrix behind them, W the scatter of
all the others and R Rᵀ = scatter(G), U₁ = (G₁ − ḡ) R^{-ᵀ}. W comes by Bartlett's triangular factor, whatever the number
of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError
from didlearn.random_matrix.features import LabelledFeatures, labelled_features

_RANK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Rotations:
    """LabelledFeatures as what a rotation keeps of them.

    Attributes:
        means: of the classes, (k, p). factors: A_ℓ, (r_ℓ, p) with A_ℓᵀ A_ℓ = Zᵀ Z. counts: rows of each class, (k,).
    """

    means: Floats
    factors: tuple[Floats, ...]
    counts: Ints

    def draw(self, counts: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Ints]:
        """Rotate every class and return its first ``counts[ℓ]`` rows: features (n, p) by class, and labels (n,).

        Raises:
            UsageError: there is not one count per class, or a class has fewer rows.
        """
        wanted = np.asarray(counts, np.int64)
        if wanted.shape != self.counts.shape or (wanted < 0).any() or (wanted > self.counts).any():
            raise UsageError(
                f"counts are {wanted.tolist()} of {self.counts.tolist()} rows; give one per class, and no more"
            )
        rows = [
            mean + frame(int(n), int(of), len(factor), rng) @ factor
            for mean, factor, n, of in zip(self.means, self.factors, wanted, self.counts, strict=True)
        ]
        return np.concatenate(rows), np.repeat(np.arange(len(wanted)), wanted)


def fit_rotations(features: ArrayLike, labels: ArrayLike | None = None) -> Rotations:
    """Return what rotations keep of features (N, p): class means and roots of the scatter.

    Raises:
        UsageError, DataError: see ``features.labelled_features``.
    """
    samples = labelled_features(features, labels)
    classes = range(len(samples.names))
    means = np.stack([samples.of_class(label).mean(0) for label in classes])
    return Rotations(means, tuple(_root(samples, label, means[label]) for label in classes), samples.counts)


def _root(samples: LabelledFeatures, label: int, mean: Floats) -> Floats:
    rows = samples.of_class(label) - mean
    n, p = rows.shape
    values, vectors = np.linalg.eigh(rows @ rows.T if n <= p else rows.T @ rows)
    keep = values > _RANK_TOLERANCE * max(float(values[-1]), 1e-300)
    if n <= p:
        return vectors[:, keep].T @ rows
    return np.sqrt(values[keep])[:, None] * vectors[:, keep].T


def frame(first: int, rows: int, rank: int, rng: np.random.Generator) -> Floats:
    """Return the first rows of a uniform orthonormal frame (rows, rank) orthogonal to the constants.

    Of columns: the scatter of all Gaussian rows is that of the first, of the others, and of the two means.
    """
    if first < rank:
        return _frame_by_rows(first, rows, rank, rng)
    g = rng.normal(size=(first, rank))
    others = rows - first
    mean = np.zeros(rank)
    scatter = g.T @ g
    if others:
        mean_others = rng.normal(size=rank) / np.sqrt(others)
        scatter = scatter + wishart(others - 1, rank, rng) + others * np.outer(mean_others, mean_others)
        mean = others / rows * mean_others
    mean = mean + g.sum(0) / rows
    scatter = scatter - rows * np.outer(mean, mean)
    root = np.linalg.cholesky(scatter)
    return scipy.linalg.solve_triangular(root, (g - mean).T, lower=True).T


def _frame_by_rows(first: int, rows: int, rank: int, rng: np.random.Generator) -> Floats:
    """Return the same, with no matrix larger than (first, rank)."""
    g = rng.normal(size=(first, rank))
    root = np.linalg.cholesky(g @ g.T + wishart(rows - 1 - rank, first, rng))
    corner: Floats = scipy.linalg.solve_triangular(root, g, lower=True)
    return corner + (np.sqrt(1 - first / rows) - 1) * corner.mean(0)


def wishart(freedom: int, p: int, rng: np.random.Generator) -> Floats:
    """Draw a Wishart matrix Gᵀ G (p, p), G (freedom, p) standard normal."""
    if freedom < p:
        g = rng.normal(size=(freedom, p))
        return g.T @ g
    factor = np.tril(rng.normal(size=(p, p)), -1)
    factor[np.diag_indices(p)] = np.sqrt(rng.chisquare(freedom - np.arange(p)))
    return factor @ factor.T
