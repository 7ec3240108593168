"""The lengths of walks, and what is said of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import t as student

from didlearn.arrays import Floats, Singles
from didlearn.result.values import Estimate, exactly
from didlearn.statistics.means import mean

Kind = Literal["straight", "spherical", "fade"]
CALLED: dict[Kind, str] = {"straight": "straight", "spherical": "spherical", "fade": "cross-fades of real images"}
RATIO = "ratio of means, Student's t"


@dataclass(frozen=True, eq=False)
class Walks:
    """Walks of one kind.

    Attributes:
        kind: of them. steps: (n, s) the length of each step in the embedding. ends: (n,) the distance of both ends.
        pictures: (m, s', C, H, W) some of their images.
    """

    kind: Kind
    steps: Floats
    ends: Floats
    pictures: Singles

    @property
    def length(self) -> Floats:
        """How long each walk is, (n,)."""
        return self.steps.sum(axis=1)

    @property
    def detour(self) -> Floats:
        """Length over the distance of the ends, at least 1, of the walks whose ends differ."""
        apart = self.ends > 0
        return self.length[apart] / self.ends[apart]

    @property
    def largest(self) -> Floats:
        """The largest step over the length, of the walks that go anywhere: 1 / s of even ones, 1 of a single jump."""
        moving = self.length > 0
        return self.steps[moving].max(axis=1) / self.length[moving]


def measure_walks(kind: Kind, features: Singles, pictures: Singles) -> Walks:
    """Measure walks by the features (n, s + 1, D) of their images."""
    exact = features.astype(np.float64)
    steps = np.linalg.norm(np.diff(exact, axis=1), axis=2)
    return Walks(kind, steps, np.linalg.norm(exact[:, -1] - exact[:, 0], axis=1), pictures)


def walk_estimates(walks: list[Walks], real: Floats | None, level: float) -> dict[str, Estimate]:
    """Return what is said of walks, beside the distances of pairs of real images (m,), where there are any."""
    found: dict[str, Estimate] = {}
    if real is not None:
        found["end_distance"] = ratio_of_means(walks[0].ends, real, level)
        found |= {f"path_length_{one.kind}": ratio_of_means(one.length, real, level) for one in walks}
    for one in walks:
        found[f"detour_{one.kind}"] = _mean(one.detour, level, "ratio")
    for one in walks:
        found[f"largest_step_{one.kind}"] = _mean(one.largest, level, "fraction")
    return found


def path_length(features: Singles, step: float, level: float) -> Estimate:
    """Return the perceptual path length E[‖f(G(z_t)) − f(G(z_{t+ε}))‖² / ε²] of Karras et al. 2019.

    Args:
        features: (n, 2 m, D), of places beside one a small step on. step: ε. level: of the interval, over walks.
    """
    exact = features.astype(np.float64)
    squares = ((exact[:, 1::2] - exact[:, ::2]) ** 2).sum(axis=2) / step**2
    return mean(squares.mean(axis=1), level, "squared distance")


def ratio_of_means(values: Floats, others: Floats, level: float) -> Estimate:
    """Return mean(values) / mean(others) of independent groups of positive numbers, with the delta method's interval.

    log R has the variance s²/(n m²) + s'²/(n' m'²); Student's t has the fewer degrees of freedom of both.
    """
    n = len(values)
    if min(values.mean(), others.mean()) <= 0:
        value = 0.0 if others.mean() > 0 else None
        return exactly(value, level, n, RATIO, "ratio")
    value = float(values.mean() / others.mean())
    spread = sum(float(one.var(ddof=1)) / (len(one) * float(one.mean()) ** 2) for one in (values, others))
    half = float(student.ppf((1 + level) / 2, min(n, len(others)) - 1)) * math.sqrt(spread)
    low, high = value * math.exp(-half), value * math.exp(half)
    return Estimate(value=value, low=low, high=high, level=level, n=n, method=RATIO, unit="ratio")


def _mean(values: Floats, level: float, unit: str) -> Estimate:
    if len(values) < 2:
        return exactly(None, level, len(values), "walks that go nowhere have none", unit)
    return mean(values, level, unit)
