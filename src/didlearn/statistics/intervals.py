"""Intervals of proportions, of their difference, and of anything by resampling its independent units."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from didlearn.arrays import Array, Floats
from didlearn.errors import UsageError
from didlearn.result.values import Estimate

Alternative = Literal["two-sided", "lower", "upper"]
ProportionMethod = Literal["clopper-pearson", "wilson", "jeffreys"]
_SEAM = 1000.0


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1).

    Raises:
        UsageError: it is.
    """
    if not 0 < level < 1:
        raise UsageError(f"a confidence level lies strictly between 0 and 1, got {level!r}; 0.95 is usual")


def joint_level(level: float, intervals: int) -> float:
    """Return the level of each of several intervals that all hold at once with ``level`` at least (Bonferroni)."""
    return 1 - (1 - level) / intervals


def check_count(successes: int, trials: int) -> None:
    """Refuse counts that are no counts.

    Raises:
        UsageError: ``trials`` is below 1, or ``successes`` is not within 0..trials.
    """
    if trials < 1:
        raise UsageError(f"a proportion needs at least one trial, got {trials}")
    if not 0 <= successes <= trials:
        raise UsageError(f"successes must lie between 0 and the {trials} trials, got {successes}")


def beta_quantile(share: ArrayLike, a: ArrayLike, b: ArrayLike) -> Floats:
    """Return the quantile of the beta law of parameters ``a`` and ``b``, element by element.

    scipy's (Boost's ``ibeta_inv``) is wrong of a parameter of 1 000 exactly beside one of 10⁸ or more (of a thousand
    pairs among a million samples): so far off that low ends lie above high ones. A trillionth away it is right.
    """
    first, second = (np.where(np.asarray(part) == _SEAM, _SEAM * (1 + 1e-12), part) for part in (a, b))
    found: Floats = special.betaincinv(first, second, share)
    return found


def beta_ends(successes: float, trials: float, tail: float) -> tuple[float, float]:
    """Return Clopper and Pearson's ends with ``tail`` beyond each, of counts that may be fractions (Korn, Graubard)."""
    low = float(beta_quantile(tail, successes, trials - successes + 1)) if successes > 0 else 0.0
    high = float(beta_quantile(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high


def clopper_pearson(
    successes: int, trials: int, level: float = 0.95, alternative: Alternative = "two-sided"
) -> tuple[float, float]:
    """Return the exact (Clopper–Pearson) interval of a binomial proportion, as quantiles of the beta law.

    scipy's ``binomtest`` searches for the ends to about 10⁻¹² absolutely, which is coarse for a few of 10⁹ pairs.

    Args:
        successes: how many of the trials succeeded.
        trials: how many independent trials there were.
        level: coverage, at least.
        alternative: ``"two-sided"``, or all the error on one end: ``"lower"`` gives (low, 1), ``"upper"`` (0, high).

    Raises:
        UsageError: the counts or the level make no sense.
    """
    check_count(successes, trials)
    check_level(level)
    tail = (1 - level) / 2 if alternative == "two-sided" else 1 - level
    low, high = beta_ends(successes, trials, tail)
    return 0.0 if alternative == "upper" else low, 1.0 if alternative == "lower" else high


def proportion(
    successes: int,
    trials: int,
    level: float = 0.95,
    *,
    method: ProportionMethod = "clopper-pearson",
    unit: str = "fraction",
) -> Estimate:
    """Estimate a binomial proportion.

    ``"clopper-pearson"`` never covers less than ``level``; ``"wilson"`` (score) and ``"jeffreys"`` cover it on average.

    Raises:
        UsageError: the counts or the level make no sense.
    """
    check_count(successes, trials)
    check_level(level)
    ends = {"clopper-pearson": clopper_pearson, "wilson": _wilson, "jeffreys": _jeffreys}
    if method not in ends:
        raise UsageError(f"no interval called {method!r} for a proportion; there are {', '.join(ends)}")
    low, high = ends[method](successes, trials, level)
    names = {"clopper-pearson": "Clopper–Pearson", "wilson": "Wilson score", "jeffreys": "Jeffreys"}
    return Estimate(
        value=successes / trials, low=low, high=high, level=level, n=trials, method=names[method], unit=unit
    )


def difference(successes: int, trials: int, other_successes: int, other_trials: int, level: float = 0.95) -> Estimate:
    """Estimate ``successes/trials − other_successes/other_trials``, with the interval of ``newcombe``.

    Raises:
        UsageError: the counts or the level make no sense.
    """
    low, high = newcombe(successes, trials, other_successes, other_trials, level)
    return Estimate(
        value=successes / trials - other_successes / other_trials,
        low=low,
        high=high,
        level=level,
        n=trials + other_trials,
        method="difference of proportions, Newcombe",
        unit="fraction",
    )


def newcombe(
    successes: int, trials: int, other_successes: int, other_trials: int, level: float = 0.95
) -> tuple[float, float]:
    """Return Newcombe's (1998) hybrid score interval of a difference of proportions p − p'.

    The Wilson ends l, u of each proportion combine to d − √((p−l)² + (u'−p')²) and d + √((u−p)² + (p'−l')²).

    Raises:
        UsageError: the counts or the level make no sense.
    """
    check_count(successes, trials)
    check_count(other_successes, other_trials)
    check_level(level)
    p, q = successes / trials, other_successes / other_trials
    p_low, p_high = _wilson(successes, trials, level)
    q_low, q_high = _wilson(other_successes, other_trials, level)
    return p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)


def bootstrap(
    units: Array,
    statistic: Callable[[Array], float],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    replicates: int = 1000,
    unit: str = "",
) -> Estimate:
    """Estimate a statistic of independent units by resampling whole units.

    Percentile bootstrap with Hesterberg's (2015) expanded tails Φ(√(n/(n−1))·t_{n−1}), which repair its narrowness at
    small n and which scipy's ``bootstrap`` does not have. Resample *images*, never pairs: pairs that share an image are
    not independent.

    Args:
        units: (n, ...) one row per independent unit.
        statistic: (n, ...) array → number.
        rng: where the resampling is drawn from.
        level: nominal coverage.
        replicates: resamples.
        unit: what the statistic is counted in.

    Raises:
        UsageError: there are fewer than two units, or the level makes no sense.
    """
    n = len(units)
    check_level(level)
    if n < 2:
        raise UsageError(f"a bootstrap needs at least two independent units, got {n}")
    values = np.array([statistic(units[rng.integers(n, size=n)]) for _ in range(replicates)])
    tail = float(stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf((1 - level) / 2, n - 1)))
    low, high = np.quantile(values, [tail, 1 - tail])
    method = f"bootstrap over {n} units, {replicates} resamples"
    return Estimate(
        value=float(statistic(units)), low=float(low), high=float(high), level=level, n=n, method=method, unit=unit
    )


def _wilson(successes: int, trials: int, level: float) -> tuple[float, float]:
    found = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def _jeffreys(successes: int, trials: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    a, b = successes + 0.5, trials - successes + 0.5
    low = 0.0 if successes == 0 else float(beta_quantile(tail, a, b))
    return low, 1.0 if successes == trials else float(beta_quantile(1 - tail, a, b))
