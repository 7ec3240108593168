"""Which share of the generator's mass the images seen so far carry."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

from didlearn.arrays import Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.fingerprint import fingerprint
from didlearn.statistics.intervals import check_level


def good_turing_coverage(cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95) -> Estimate:
    """Estimate the mass of the images seen, 1 − F₁/M (Good and Turing).

    Esty's (1983) variance of the error is V/M² with V = F₁R/M + 2F₂, R = M − F₁ the draws seen more than once. The
    interval is that of a scaled Poisson count, φ·[½χ²_{α/2}(2n/φ), ½χ²_{1−α/2}(2n/φ+2)]/M with φ = V/n, for the
    smaller of the two counts: n = F₁ for the missing mass, or n = R for the mass seen (φ = 2 where R = 0: draws repeat
    in pairs). For F₁ two is added to V, lest a sample without any look certain; and where fewer than 3.69 unseen
    images are expected (F₁²/(2F₂), at 95 %) there may be none, so the high end is 1. It covers the mass of *this*
    sample's images, a random quantity.

    Raises:
        UsageError: there is no sample, the sizes cannot come from so many, or the level makes no sense.
    """
    check_level(level)
    if samples < 1:
        raise UsageError(f"coverage needs at least one sample, got {samples}")
    F = fingerprint(cluster_sizes, samples)
    f1, f2 = int(F[1]), int(F[2]) if len(F) > 2 else 0
    repeated = samples - f1
    variance = f1 * repeated / samples + 2 * f2
    tail = (1 - level) / 2
    if repeated < f1:
        low, high = _scaled_poisson(repeated, variance / repeated if repeated else 2.0, tail)
    else:
        low, high = _scaled_poisson(f1, (variance + 2) / max(f1, 2), tail)
        low, high = samples - high, samples - low
        if f1 * (f1 - 1) / (2 * (f2 + 1)) < -math.log(tail):
            high = samples
    return Estimate(
        value=1 - f1 / samples,
        low=max(0.0, low / samples),
        high=min(1.0, high / samples),
        level=level,
        n=samples,
        method="Good–Turing, scaled Poisson interval",
        unit="fraction",
    )


def _scaled_poisson(count: int, phi: float, tail: float) -> tuple[float, float]:
    low = phi * float(stats.chi2.ppf(tail, 2 * count / phi)) / 2 if count else 0.0
    return low, phi * float(stats.chi2.ppf(1 - tail, 2 * count / phi + 2)) / 2
