"""Which share of the generator's mass the images seen so far carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from didlearn.errors import UsageError
from didlearn.result import Estimate
from didlearn.statistics.fingerprint import fingerprint
from didlearn.statistics.intervals import check_level


def good_turing_coverage(
    cluster_sizes: Sequence[int] | np.ndarray[Any, Any], samples: int, level: float = 0.95
) -> Estimate:
    """Estimate the mass of the images seen, 1 − F₁/M (Good and Turing).

    The missing mass is F₁/M with Esty's (1983) variance (F₁(1−F₁/M) + 2F₂)/M², here with one doubleton more, lest a
    sample without any look certain. Its interval is that of a scaled Poisson count, φ = M²·variance/F₁:
    φ·[½χ²_{α/2}(2F₁/φ), ½χ²_{1−α/2}(2F₁/φ+2)]/M, which stays open where F₁ is small. It covers the mass of *this*
    sample's images, a random quantity.

    Raises:
        UsageError: there is no sample, the sizes cannot come from so many, or the level makes no sense.
    """
    check_level(level)
    if samples < 1:
        raise UsageError(f"coverage needs at least one sample, got {samples}")
    F = fingerprint(cluster_sizes, samples)
    f1, f2 = int(F[1]), int(F[2]) if len(F) > 2 else 0
    phi = (f1 * (1 - f1 / samples) + 2 * f2 + 2) / max(f1, 2)
    tail = (1 - level) / 2
    low = phi * float(stats.chi2.ppf(tail, 2 * f1 / phi)) / 2 if f1 else 0.0
    high = phi * float(stats.chi2.ppf(1 - tail, 2 * f1 / phi + 2)) / 2
    return Estimate(
        value=1 - f1 / samples,
        low=max(0.0, 1 - high / samples),
        high=min(1.0, 1 - low / samples),
        level=level,
        n=samples,
        method="Good–Turing, scaled Poisson interval",
        unit="fraction",
    )
