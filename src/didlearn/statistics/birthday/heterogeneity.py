"""The heterogeneity index Σp³/(Σp²)²: 1 for equally likely images, far above 1 where a few images take much mass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from didlearn.arrays import Ints
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.fingerprint import fingerprint
from didlearn.statistics.intervals import check_level


def heterogeneity(cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95) -> Estimate:
    """Estimate ŝ₃/ŝ₂² from the sizes of the duplicate clusters.

    An atom of mass a among images too many to collide gives 1/a: 20 for 5 %. The index is never below 1 (Cauchy and
    Schwarz), so neither is the interval. Its relative variance v is the infinitesimal jackknife's, Σ over draws of
    (3(n−1)(n−2)/T − 4(n−1)/A + 1/M)² with A = Σn(n−1), T = Σn(n−1)(n−2) (on the safe side: it counts the Poisson part
    of A twice and that of T three times); the ends are those of a gamma law with 1/v events (and one more at the high
    end), as for a scaled Poisson count. Below about 200 samples it covers a little less than it says (.86 to .92 for
    heavy-tailed laws at 100).

    Returns:
        ``value`` is ``None`` where no pair collides; ``high`` too, since pairs and triples then say nothing.

    Raises:
        UsageError: the sizes cannot come from so many samples, or the level makes no sense.
    """
    check_level(level)
    A, T, variance = _moments(fingerprint(cluster_sizes, samples), samples)
    method = "ratio of U-statistics, scaled gamma interval"
    if A == 0 or samples < 3:
        return Estimate(value=None, low=1.0, high=None, level=level, n=samples, method=method)
    scale = samples * (samples - 1) / (samples - 2) / A**2
    tail = (1 - level) / 2
    if T == 0:
        # An unseen triple: six ordered ones, times the 3.69 of a Poisson count of zero at 95 %.
        value, low, high = 0.0, 0.0, 6 * scale * float(-np.log(tail))
    else:
        k = 1 / max(variance, 1e-12)
        value = scale * T
        low = value / k * float(stats.gamma.ppf(tail, k))
        high = value / k * float(stats.gamma.ppf(1 - tail, k + 1))
    return Estimate(
        value=max(1.0, value), low=max(1.0, low), high=max(1.0, high), level=level, n=samples, method=method
    )


def _moments(counts: Ints, samples: int) -> tuple[float, float, float]:
    """A, T and the jackknife variance of log(T/A²)."""
    n = np.arange(len(counts), dtype=float)
    A, T = float((counts * n * (n - 1)).sum()), float((counts * n * (n - 1) * (n - 2)).sum())
    if T == 0:
        return A, T, 0.0
    influence = 3 * (n - 1) * (n - 2) / T - 4 * (n - 1) / A + 1 / samples
    return A, T, float((counts * n * influence**2).sum())
