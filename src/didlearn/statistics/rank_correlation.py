"""Spearman's rank correlation of two scores over few units, with an interval and an exact test of no association."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.result.values import Estimate, exactly
from didlearn.statistics.intervals import check_level

FEWEST = 4  # units: the interval has n - 3 in it
_EXCHANGES = 9_999


class RankCorrelation(NamedTuple):
    """Spearman's correlation with its interval, and the p-value of no association."""

    correlation: Estimate
    pvalue: Estimate


def rank_correlation(a: Floats, b: Floats, rng: np.random.Generator, level: float = 0.95) -> RankCorrelation:
    """Return Spearman's ρ of two scores (n,) of the same n independent units.

    The interval is tanh(artanh ρ ± z √((1 + ρ²/2) / (n − 3))) (Bonett & Wright 2000, "Sample size requirements for
    estimating Pearson, Kendall and Spearman correlations"); at ρ = ±1, which has no artanh, its inner end is that of a
    ρ half-way to the next possible one. The p-value is two-sided, by exchanging one score among the units: all
    exchanges where they are few, else the share of 9 999 that are as far from 0, and the one seen.

    Raises:
        UsageError: there are fewer than four units, another number of each score, or a score that is always the same.
    """
    check_level(level)
    n = len(a)
    if n < FEWEST or len(b) != n:
        raise UsageError(
            f"a rank correlation needs two scores of the same {FEWEST} units or more; got {n} and {len(b)}"
        )
    if min(np.ptp(a), np.ptp(b)) == 0:
        raise UsageError("one of the scores is the same for all units, and ranks nothing; give scores that differ")
    first, second = _standard_ranks(a), _standard_ranks(b)
    value = float(np.clip(first @ second, -1, 1))
    low, high = _interval(value, n, level)
    found = stats.permutation_test(
        (first,), lambda x, axis: np.abs((x * second).sum(axis=axis)), permutation_type="pairings", vectorized=True,
        alternative="greater", n_resamples=_EXCHANGES, random_state=rng,
    )  # fmt: skip
    method = f"Spearman's over {n} units, interval by Bonett & Wright"
    estimate = Estimate(value=value, low=low, high=high, level=level, n=n, method=method, unit="rank correlation")
    return RankCorrelation(estimate, exactly(float(found.pvalue), level, n, "exchange of units", "p-value"))


def _standard_ranks(values: Floats) -> Floats:
    """Return ranks (n,), ties at their mean, with mean 0 and length 1."""
    ranks = stats.rankdata(values) - (len(values) + 1) / 2
    standard: Floats = ranks / math.sqrt(float(ranks @ ranks))
    return standard


def _interval(value: float, n: int, level: float) -> tuple[float, float]:
    most = 1 - 6 / (n * (n * n - 1))
    inner = min(max(value, -most), most)
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt((1 + inner * inner / 2) / (n - 3))
    low, high = math.tanh(math.atanh(inner) - half), math.tanh(math.atanh(inner) + half)
    return min(low, value), max(high, value)
