"""Simple densities fitted to the training images: what a likelihood is worth is seen beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from sklearn.cluster import KMeans

from didlearn.arrays import Floats
from didlearn.parallel import limited_blas
from didlearn.statistics.subspace import MOMENT_ROWS, leading_directions

_ROUNDS = 5
_NOTHING = 1e-9  # of the largest weight: rows with less are left out
_FLOOR = 1e-6  # least variance of a direction, in squared units of [0, 1]


@dataclass(frozen=True, eq=False)
class NormalDensity:
    """N(m, U diag(λ) Uᵀ + s (I − UUᵀ)): a normal law with d directions of their own and one variance s elsewhere.

    With d < D it is probabilistic PCA at its maximum likelihood (Tipping & Bishop 1999), with d = D a full Gaussian.
    """

    mean: Floats
    directions: Floats
    variances: Floats
    rest: float

    @classmethod
    def fit(cls, x: Floats, dimension: int, weights: Floats | None = None) -> NormalDensity:
        """Fit to rows (n, D), each counted with its weight."""
        w = np.ones(len(x)) if weights is None else weights
        rows, w = x[w > _NOTHING * w.max()], w[w > _NOTHING * w.max()] / w.sum()
        mean = (w @ rows) / w.sum()
        values, directions = leading_directions(rows, mean, dimension, w)
        spread = sum(float(w[s] @ np.square(rows[s] - mean).sum(axis=1)) for s in _row_blocks(len(rows)))
        left = x.shape[1] - len(values)
        rest = (spread - float(values.sum())) / left if left else _FLOOR
        return cls(mean, directions, np.maximum(values, _FLOOR), max(rest, _FLOOR))

    def log_density(self, x: Floats) -> Floats:
        """Log density of rows (n, D) in nats, (n,)."""
        centred = x - self.mean
        along = centred @ self.directions
        D, d = x.shape[1], len(self.variances)
        off = np.maximum(0.0, np.square(centred).sum(axis=1) - np.square(along).sum(axis=1))
        squared = (np.square(along) / self.variances).sum(axis=1) + off / self.rest
        log_det = float(np.log(self.variances).sum()) + (D - d) * math.log(self.rest)
        return -0.5 * (squared + log_det + D * math.log(2 * math.pi))


@dataclass(frozen=True, eq=False)
class MixtureDensity:
    """A mixture of probabilistic PCAs (Tipping & Bishop 1999), fitted by a few rounds of EM from k-means."""

    parts: tuple[NormalDensity, ...]
    weights: Floats

    @classmethod
    def fit(cls, x: Floats, dimension: int, components: int, rng: np.random.Generator) -> MixtureDensity:
        """Fit to rows (n, D)."""
        with limited_blas(1):
            means = KMeans(components, n_init=1, random_state=int(rng.integers(2**31))).fit(x)
        shares = np.eye(components)[means.labels_]
        model = cls._maximise(x, shares, dimension)
        for _ in range(_ROUNDS):
            joint = model._joint(x)
            shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
            model = cls._maximise(x, shares, dimension)
        return model

    @classmethod
    def _maximise(cls, x: Floats, shares: Floats, dimension: int) -> MixtureDensity:
        kept = shares.sum(axis=0) > 2
        parts = tuple(NormalDensity.fit(x, dimension, column) for column in shares[:, kept].T)
        weights = shares[:, kept].sum(axis=0)
        return cls(parts, weights / weights.sum())

    def _joint(self, x: Floats) -> Floats:
        return np.stack([part.log_density(x) for part in self.parts], axis=1) + np.log(self.weights)

    def log_density(self, x: Floats) -> Floats:
        """Log density of rows (n, D) in nats, (n,)."""
        return np.asarray(logsumexp(self._joint(x), axis=1))


def _row_blocks(count: int) -> list[slice]:
    return [slice(start, start + MOMENT_ROWS) for start in range(0, count, MOMENT_ROWS)]


def fit_densities(x: Floats, dimension: int, rng: np.random.Generator) -> dict[str, NormalDensity | MixtureDensity]:
    """Fit PPCA of the latent's dimension, a full Gaussian, and a mixture of ten PPCAs to rows (n, D)."""
    D = x.shape[1]
    return {
        "ppca": NormalDensity.fit(x, min(dimension, D - 1)),
        "gaussian": NormalDensity.fit(x, D),
        "mixture": MixtureDensity.fit(x, min(dimension, D - 1), min(10, max(1, len(x) // 50)), rng),
    }
