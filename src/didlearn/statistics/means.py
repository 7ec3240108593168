"""Means and differences of means, and an exact test that two groups have the same law."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import permutation_test
from scipy.stats import t as student

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import check_level

_EXCHANGES = 9_999
EXCHANGED_AT_ONCE = 2**22
_TIED = 100 * np.finfo(np.float64).eps  # gaps that differ by so small a share are rounding, as scipy has it


def mean(values: Floats, level: float = 0.95, unit: str = "") -> Estimate:
    """Estimate the mean of (n,) independent values with Student's interval.

    Raises:
        UsageError: ``level`` is not within (0, 1), or there is only one value.
    """
    check_level(level)
    n = len(values)
    if n < 2:
        raise UsageError(f"the mean of {n} value has no interval; give at least 2")
    value, half = float(values.mean()), float(student.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n))
    return Estimate(value=value, low=value - half, high=value + half, level=level, n=n, method="Student's t", unit=unit)


def mean_difference(values: Floats, others: Floats, level: float = 0.95, unit: str = "") -> Estimate:
    """Estimate mean(values) − mean(others) of two independent groups, with Welch's interval.

    Raises:
        UsageError: ``level`` is not within (0, 1), or a group has only one value.
    """
    check_level(level)
    n, m = len(values), len(others)
    if min(n, m) < 2:
        raise UsageError(f"the difference of means of {n} and {m} values has no interval; give at least 2 of each")
    a, b = values.var(ddof=1) / n, others.var(ddof=1) / m
    freedom = max(1.0, (a + b) ** 2 / max(a**2 / (n - 1) + b**2 / (m - 1), 1e-300))
    value, half = float(values.mean() - others.mean()), float(student.ppf((1 + level) / 2, freedom) * math.sqrt(a + b))
    return Estimate(
        value=value, low=value - half, high=value + half, level=level, n=n + m, method="Welch's t", unit=unit
    )  # fmt: skip


def exchange_pvalue(values: Floats, others: Floats, rng: np.random.Generator) -> float:
    """Return the two-sided p-value of |mean(values) − mean(others)| if all labels could be exchanged.

    Exact for any law: (1 + #{exchanges at least as far apart}) / (1 + exchanges), or of all exchanges where they are
    few.
    """
    both, first, seen = np.concatenate([values, others]), len(values), _gap(values, others, 0)
    if math.comb(len(both), first) <= _EXCHANGES:
        found = permutation_test((values, others), _gap, vectorized=True, n_resamples=_EXCHANGES, alternative="greater")
        return float(found.pvalue)
    # The same exchanges as scipy draws, which takes several times as long to shuffle one after the other in Python.
    at_once = max(1, EXCHANGED_AT_ONCE // len(both))
    beyond = 0
    for start in range(0, _EXCHANGES, at_once):
        rows = np.tile(both, (min(at_once, _EXCHANGES - start), 1))
        rng.permuted(rows, axis=1, out=rows)
        beyond += int((_gap(rows[:, :first], rows[:, first:], 1) >= seen - _TIED * seen).sum())
    return (1 + beyond) / (1 + _EXCHANGES)


def _gap(values: Floats, others: Floats, axis: int) -> Floats:
    gap: Floats = np.abs(values.mean(axis=axis) - others.mean(axis=axis))
    return gap


def holm(pvalues: dict[str, float]) -> dict[str, float]:
    """Return Holm's adjusted p-values: the chance of any false alarm stays below the level they are compared with."""
    ordered = sorted(pvalues, key=lambda name: pvalues[name])
    adjusted, floor = {}, 0.0
    for rank, name in enumerate(ordered):
        floor = max(floor, min(1.0, (len(ordered) - rank) * pvalues[name]))
        adjusted[name] = floor
    return {name: adjusted[name] for name in pvalues}
