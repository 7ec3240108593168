"""How much 1-Lipschitz functions of features vary, against Gaussian features with the same moments.

If images are a Lipschitz function of a Gaussian latent, every 1-Lipschitz observable of them has a variance of at most
the constant squared, whatever the dimension; where features concentrate as a Gaussian's do, the ratio stays near one.
"""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.feature_groups import FeatureGroup
from didlearn.random_matrix import fit_rotations
from didlearn.rng import Stream

_DIRECTIONS = 16
_REFERENCES = 8
MEANING = {
    "norm": "distance from the mean",
    "distance": "distance from another image, the mean over eight",
    "greatest": "greatest of sixteen random projections",
    "absolute": "sum of absolute values over √p",
}


def observable_variances(group: FeatureGroup, tested: int, replicates: int, rng: Stream) -> dict[str, Floats]:
    """Return each observable's variance over the tested rows and over those of rotations, (B + 1,), the data first."""
    chosen, counts = group.split(tested)
    order = np.arange(len(group.features)) if group.labels is None else np.argsort(group.labels, kind="stable")
    rotations, numbers = fit_rotations(group.features, group.labels), rng.numpy("observables")
    mean, p = group.features.mean(0), group.features.shape[1]
    directions = np.linalg.qr(numbers.normal(size=(p, min(p, _DIRECTIONS))))[0]
    references = group.features[~chosen][:_REFERENCES]
    rows = [group.features[order[chosen[order]]]]
    rows += [rotations.draw(counts, numbers)[0] for _ in range(replicates)]
    family = [_variances(one, mean, directions, references) for one in rows]
    return {name: np.array([member[name] for member in family]) for name in MEANING}


def _variances(rows: Floats, mean: Floats, directions: Floats, references: Floats) -> dict[str, float]:
    centred = rows - mean
    far = np.stack([np.linalg.norm(rows - one, axis=1).var() for one in references])
    return {
        "norm": float(np.linalg.norm(centred, axis=1).var()),
        "distance": float(far.mean()),
        "greatest": float((centred @ directions).max(1).var()),
        "absolute": float((np.abs(centred).sum(1) / np.sqrt(rows.shape[1])).var()),
    }


def widest_direction(group: FeatureGroup) -> tuple[float, float]:
    """Return √λ₁ of the features' covariance, and its effective dimension tr Σ / λ₁."""
    centred = group.features - group.features.mean(0)
    values = np.linalg.svd(centred / np.sqrt(max(len(centred) - 1, 1)), compute_uv=False) ** 2
    return float(np.sqrt(values[0])), float(values.sum() / max(values[0], 1e-300))
