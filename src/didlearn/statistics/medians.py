"""Medians of errors: with exact intervals, and set against one another."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import ks_2samp, mannwhitneyu, quantile_test

from didlearn.arrays import Floats
from didlearn.result.values import Estimate, exactly
from didlearn.statistics.intervals import check_level

_REPLICATES = 2000


def median(values: Floats, level: float = 0.95, unit: str = "") -> Estimate:
    """Estimate the median of (n,) independent values.

    The interval lies between order statistics x₍r₎ and x₍n+1−r₎ with P(Bin(n, ½) < r) ≤ (1 − level)/2: exact for any
    continuous law. With too few values for a finite end, the end is open.

    Raises:
        UsageError: ``level`` is not within (0, 1).
    """
    check_level(level)
    found = quantile_test(values, p=0.5).confidence_interval(level)
    low, high = (None if math.isnan(end) else float(end) for end in (found.low, found.high))
    return Estimate(
        value=float(np.median(values)), low=low, high=high, level=level, n=len(values),
        method="median, between order statistics", unit=unit,
    )  # fmt: skip


def median_ratio(
    values: Floats, others: Floats, rng: np.random.Generator, *, paired: bool = False, level: float = 0.95
) -> Estimate:
    """Estimate median(values) / median(others) by a percentile bootstrap over images.

    Args:
        values: (n,) positive. others: (m,) positive.
        rng: what resampling draws from.
        paired: whether value and other i are of one image (then m = n): images are resampled with both.
        level: nominal coverage.

    Raises:
        UsageError: ``level`` is not within (0, 1).
    """
    check_level(level)
    n, m = len(values), len(others)
    first = rng.integers(n, size=(_REPLICATES, n))
    second = first if paired else rng.integers(m, size=(_REPLICATES, m))
    ratios = np.median(values[first], axis=1) / np.maximum(np.median(others[second], axis=1), 1e-300)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    value = float(np.median(values) / max(float(np.median(others)), 1e-300))
    method = f"ratio of medians, percentile bootstrap over images, {_REPLICATES} replicates"
    return Estimate(
        value=value, low=min(float(low), value), high=max(float(high), value), level=level, n=min(n, m), method=method,
        unit="ratio",
    )  # fmt: skip


def recovery_gap(train: Floats, heldout: Floats, rng: np.random.Generator, level: float = 0.95) -> dict[str, Estimate]:
    """Set the errors of training images (n,) against those of held-out ones (m,).

    Returns:
        ``recovery_gap``: (median held-out − median train) / median held-out, the MRE-gap of Webster et al. (2019) with
        its sign: positive where training images are recovered better. ``recovery_gap_pvalue``: Kolmogorov–Smirnov's,
        two-sided. ``recovery_closer_pvalue``: Mann–Whitney's, one-sided, small where training images are recovered
        better.
    """
    ratio = median_ratio(train, heldout, rng, level=level)
    assert ratio.value is not None
    assert ratio.low is not None
    assert ratio.high is not None
    n = len(train) + len(heldout)
    gap = Estimate(
        value=1 - ratio.value, low=1 - ratio.high, high=1 - ratio.low, level=level, n=n, method=ratio.method,
        unit="fraction",
    )  # fmt: skip
    ks = float(ks_2samp(train, heldout).pvalue)
    mw = float(mannwhitneyu(train, heldout, alternative="less").pvalue)
    return {
        "recovery_gap": gap,
        "recovery_gap_pvalue": exactly(ks, level, n, "Kolmogorov–Smirnov, two-sided"),
        "recovery_closer_pvalue": exactly(mw, level, n, "Mann–Whitney, one-sided"),
    }
