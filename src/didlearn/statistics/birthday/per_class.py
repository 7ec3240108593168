"""One collision probability for a sampler with classes, from those within each class."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.collisions import Collisions, collision_interval, inflation, support_from_collisions


def combine_classes(
    classes: Sequence[Collisions], weights: Sequence[float] | Floats, level: float = 0.95
) -> dict[str, Estimate]:
    """Combine collisions counted within classes into Σ w_c²·s₂,c and the effective support 1/Σ w_c²·s₂,c.

    Two draws collide only within a class, and both fall into class c with probability w_c². Supports do not add.

    The sum is a weighted sum of counts, Σ a_c·C_c with a_c = w_c²/(M_c(M_c−1)/2), each with variance φ_c·C_c; its
    interval is the gamma one of Fay and Feuer (1997) for such sums, with the largest a_c·φ_c as the one event more. One
    class alone has its own interval.

    Args:
        classes: pairs, triples and samples of each class, at least 2 samples each.
        weights: the classes' shares of all draws; scaled to add up to one.
        level: nominal coverage.

    Returns:
        ``collision_probability`` and ``effective_support``, open where no class has a collision.

    Raises:
        UsageError: the weights do not fit the classes, or a class holds fewer than two samples.
    """
    w = np.asarray(weights, dtype=float)
    if len(classes) == 0 or w.shape != (len(classes),) or not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        raise UsageError(f"one weight of at least 0 per class is needed, got {w.tolist()} for {len(classes)} classes")
    ends = [collision_interval(c.pairs, c.triples, c.samples, level) for c in classes]
    w = w / w.sum()
    a = w**2 / np.array([c.samples * (c.samples - 1) / 2 for c in classes])
    if len(classes) == 1:
        low, high = ends[0]
    else:
        low, high = _fay_feuer(a, classes, (1 - level) / 2)
    probability = Estimate(
        value=float(sum(a * [c.pairs for c in classes])),
        low=low,
        high=min(high, float((w**2).sum())),
        level=level,
        n=sum(c.samples for c in classes),
        method=f"sum of squared weights times within-class U-statistics, {len(classes)} classes, Fay–Feuer interval",
        unit="probability",
    )
    return {"collision_probability": probability, "effective_support": support_from_collisions(probability)}


def _fay_feuer(a: Floats, classes: Sequence[Collisions], tail: float) -> tuple[float, float]:
    pairs = np.array([c.pairs for c in classes])
    phi = np.array([inflation(c.pairs, c.triples, c.samples) for c in classes])
    y, v, most = float((a * pairs).sum()), float((a**2 * phi * pairs).sum()), float((a * phi).max())
    low = v / (2 * y) * float(stats.chi2.ppf(tail, 2 * y**2 / v)) if y > 0 else 0.0
    above, spread = y + most, v + most**2
    if math.isclose(above, 0):
        return 0.0, 0.0
    return low, spread / (2 * above) * float(stats.chi2.ppf(1 - tail, 2 * above**2 / spread))
