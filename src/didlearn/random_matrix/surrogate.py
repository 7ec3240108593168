"""Gaussian mixtures with the moments of features, drawn without a p × p factor where there are fewer rows than p."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError
from didlearn.random_matrix.features import LabelledFeatures, labelled_features


@dataclass(frozen=True)
class GaussianMixture:
    """Class moments as factors: Σ_ℓ = F_ℓᵀ F_ℓ + s_ℓ I.

    Attributes:
        means: (k, p). factors: F_ℓ, (r_ℓ, p) with r_ℓ ≤ min(rows, p). floors: s_ℓ ≥ 0, (k,).
        counts: rows each class was estimated from, (k,).
    """

    means: Floats
    factors: tuple[Floats, ...]
    floors: Floats
    counts: Ints

    @property
    def proportions(self) -> Floats:
        """Return the classes' shares of the rows, (k,)."""
        return self.counts / self.counts.sum()

    def covariances(self) -> Floats:
        """Return Σ_ℓ, (k, p, p)."""
        eye = np.eye(self.means.shape[1])
        return np.stack([f.T @ f + s * eye for f, s in zip(self.factors, self.floors, strict=True)])

    def draw(self, counts: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Ints]:
        """Draw ``counts[ℓ]`` rows of each class, in order of the classes: features (n, p) and labels (n,).

        Raises:
            UsageError: there is not one count per class.
        """
        wanted = np.asarray(counts, np.int64)
        if wanted.shape != (len(self.means),) or (wanted < 0).any():
            raise UsageError(f"counts are {wanted.tolist()} for {len(self.means)} classes; give one count per class")
        rows = [self._draw_class(label, int(count), rng) for label, count in enumerate(wanted)]
        return np.concatenate(rows), np.repeat(np.arange(len(wanted)), wanted)

    def _draw_class(self, label: int, count: int, rng: np.random.Generator) -> Floats:
        factor = self.factors[label]
        rows = self.means[label] + rng.normal(size=(count, len(factor))) @ factor
        if self.floors[label]:
            rows = rows + np.sqrt(self.floors[label]) * rng.normal(size=rows.shape)
        return rows


def fit_mixture(features: ArrayLike, labels: ArrayLike | None = None, *, shrink: bool = True) -> GaussianMixture:
    """Return the Gaussian mixture with the sample means and covariances of the classes.

    With ``shrink`` each covariance is pulled towards the multiple of the
    identity with its trace, (1 − a) S + a s I, just so far that ‖Σ‖_F² is what it is without the noise of estimation
    (Ledoit and Wolf 2004 estimate that noise). The sample spectrum is otherwise too wide: of N rows, tr S² exceeds
    tr Σ² by about (tr Σ)² / N.

    Args:
        features: (N, p). labels: (N,); without them all rows are one class.
        shrink: whether to remove the noise of estimation from the spectrum's second moment.

    Raises:
        UsageError, DataError: see ``features.labelled_features``.
    """
    samples = labelled_features(features, labels)
    k = len(samples.names)
    means = np.stack([samples.of_class(label).mean(0) for label in range(k)])
    parts = [_factor(samples, label, means[label], shrink) for label in range(k)]
    return GaussianMixture(means, tuple(f for f, _ in parts), np.array([s for _, s in parts]), samples.counts)


def _factor(samples: LabelledFeatures, label: int, mean: Floats, shrink: bool) -> tuple[Floats, float]:
    rows = (samples.of_class(label) - mean) / np.sqrt(samples.counts[label] - 1)
    n, p = rows.shape
    pull = _pull(rows) if shrink else 0.0
    factor = rows if n <= p else np.linalg.qr(rows, mode="r")
    return np.sqrt(1 - pull) * factor, pull * float((rows**2).sum()) / p


def _pull(rows: Floats) -> float:
    """Return a with (1 − a)² ‖S − sI‖² = ‖S − sI‖² − E‖S − Σ‖², for rows scaled so that S = rowsᵀ rows."""
    n, p = rows.shape
    small = rows @ rows.T if n <= p else rows.T @ rows
    square, trace = float((small**2).sum()), float(np.trace(small))
    spread = square - trace**2 / p
    noise = (float(((rows**2).sum(1) ** 2).sum()) - square / n) * (n / (n - 1)) ** 2
    return 1 - float(np.sqrt(max(1 - noise / spread, 0))) if spread > 1e-12 * square else 0.0
