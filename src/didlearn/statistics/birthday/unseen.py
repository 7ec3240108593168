"""How many different images there are, seen and unseen: Chao1's lower bound and Valiant and Valiant's estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import optimize, stats

from didlearn.arrays import Flags, Floats, Ints
from didlearn.errors import DidlearnError
from didlearn.result.values import Estimate
from didlearn.rng import Stream
from didlearn.statistics.birthday.fingerprint import fingerprint
from didlearn.statistics.intervals import check_level

_RATIO: Final = 1.1  # between neighbouring masses of the grid
_SLACK: Final = 1.0  # how much worse than the best fit the simplest histogram may fit
_OFTEN: Final = 40  # an image seen more often counts as itself: nothing like it is unseen
_RARER: Final = 10  # how many times rarer than 1/samples (or 1/Chao1) an image may be
_REPLICATES: Final = 20


def chao1(cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95) -> Estimate:
    """Estimate a *lower bound* on the number of different images: bias-corrected Chao1 with its log-normal interval.

    S_obs + ((M−1)/M)·F₁(F₁−1)/(2(F₂+1)); the interval of Chao (1987), S_obs + (Ŝ−S_obs)·[1/K, K] with
    K = exp(z·√ln(1 + V/(Ŝ−S_obs)²)). That interval excludes S_obs itself, so where fewer than 3.69 unseen images (at
    95 %) are estimated, and there may be none, the low end is S_obs; at least one image more is always allowed for.

    Returns:
        Where no image was seen twice there is no estimate and no upper end.

    Raises:
        UsageError: the sizes cannot come from so many samples, or the level makes no sense.
    """
    check_level(level)
    F = fingerprint(cluster_sizes, samples)
    seen, value = int(F.sum()), _chao1(F, samples)
    z = float(stats.norm.ppf((1 + level) / 2))
    low: float = seen
    high: float | None = None
    if len(F) > 2:
        extra = value - seen
        K = math.exp(z * math.sqrt(math.log1p(_chao1_variance(F, samples) / extra**2))) if extra else 1.0
        low = seen + extra / K if extra >= -math.log((1 - level) / 2) else seen
        high = seen + max(extra * K, 1.0)
    return Estimate(
        value=value if high is not None else None,
        low=low,
        high=high,
        level=level,
        n=samples,
        method="bias-corrected Chao1 (a lower bound), log-normal interval",
        unit="images",
    )


def _chao1(F: Ints, samples: int) -> float:
    f1, f2 = int(F[1]), int(F[2]) if len(F) > 2 else 0
    return float(F.sum()) + (samples - 1) / max(samples, 1) * f1 * (f1 - 1) / (2 * (f2 + 1))


def _chao1_variance(F: Ints, samples: int) -> float:
    """The estimator's variance from those of F₁ and F₂ (Chao 1987; the bias-corrected form of EstimateS)."""
    f1, f2 = float(F[1]), float(F[2])
    c = (samples - 1) / samples
    if f2 == 0:
        value = _chao1(F, samples)
        return max(c * f1 * (f1 - 1) / 2 + c**2 * f1 * (2 * f1 - 1) ** 2 / 4 - c**2 * f1**4 / (4 * value), 0.0)
    return (
        c * f1 * (f1 - 1) / (2 * (f2 + 1))
        + c**2 * f1 * (2 * f1 - 1) ** 2 / (4 * (f2 + 1) ** 2)
        + c**2 * f1**2 * f2 * (f1 - 1) ** 2 / (4 * (f2 + 1) ** 4)
    )


def richness(cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95) -> Estimate:
    """Estimate the number of different images the sampler makes (Valiant and Valiant, 2013).

    The histogram h(x), the number of images of probability x, lives on a geometric grid. Images seen so often that
    their size stands alone count as themselves. A first linear programme finds the least Σᵢ |Σ_x h(x)·poi(Mx, i) −
    Fᵢ|/√(Fᵢ+1); a second the fewest images among all h that fit at most 1 worse: the estimate. (Valiant and Valiant
    allow ½; with 1 the standard deviation on 10⁴ equal images at 3 000 samples falls from 1 376 to 681, for 4 % less
    on a law of two levels.)

    The interval is the range of the number of images over a confidence set: all h that fit at most as much worse as
    the true one would. How much that is comes from 20 fingerprints drawn from the estimate (mean and three standard
    deviations), from a fixed random stream, so the answer is a function of its arguments. The low end holds for every
    law. Nothing bounds the number of arbitrarily rare images, so **the high end counts only images at least a tenth as
    likely as 1/max(samples, Chao1)**; it is ``None`` where the sample does not tell even those apart.

    Returns:
        Where no image was seen twice there is no estimate and no upper end.

    Raises:
        UsageError: the sizes cannot come from so many samples, or the level makes no sense.
    """
    check_level(level)
    F = fingerprint(cluster_sizes, samples)
    seen = int(F.sum())
    method = "Valiant–Valiant; the high end counts images of probability at least 1/(10 max(samples, Chao1))"
    ends = Estimate(value=None, low=float(seen), high=None, level=level, n=samples, method=method, unit="images")
    if len(F) < 3:
        return ends
    problem = _problem(F, samples)
    if problem.mass <= 0:
        unseen = -math.log((1 - level) / 2) / samples / problem.x[0]
        return ends.model_copy(update={"value": float(seen), "high": float(seen + math.floor(unseen))})
    best = problem.best_fit()
    simplest = problem.extreme(best + _SLACK, most=False)
    worse = max(_SLACK, problem.fit_margin(simplest, level))
    fewest, most = problem.extreme(best + worse, most=False), problem.extreme(best + worse, most=True)
    value = max(float(simplest.sum()) + problem.counted, float(seen))
    high = max(float(most.sum()) + problem.counted, value)
    # All of the mass at the grid's edge: the edge, not the sample, would be the answer.
    at_edge = float((problem.x * most)[0]) > 0.9 * problem.mass
    low = min(value, max(float(fewest.sum()) + problem.counted, float(seen)))
    return ends.model_copy(update={"value": value, "low": low, "high": None if at_edge else high})


@dataclass(frozen=True)
class _Problem:
    """The linear programme over v(x) = x·h(x), which is scaled better than h.

    ``size``, ``count`` are (r,) fingerprint entries to fit; ``x`` is the (g,) grid; ``mass`` is what they share;
    ``counted`` images stand outside; ``samples`` is M.
    """

    size: Ints
    count: Ints
    x: Floats
    mass: float
    counted: int
    samples: int

    @cached_property
    def rates(self) -> Floats:
        """(r, g) poi(Mx, i)."""
        return np.asarray(stats.poisson.pmf(self.size[:, None], self.samples * self.x))

    def best_fit(self, count: Ints | None = None) -> float:
        """Return the least weighted deviation."""
        g, r = len(self.x), len(self.size)
        return float(self._solve(np.r_[np.zeros(g), np.ones(r)], count=count).fun)

    def extreme(self, deviation: float, *, most: bool) -> Floats:
        """Return the (g,) histogram with the fewest or most images that deviates by at most ``deviation``."""
        cost = np.r_[self.x[0] / self.x, np.zeros(len(self.size))]
        solution = self._solve(-cost if most else cost, deviation)
        return np.asarray(solution.x[: len(self.x)]) / self.x

    def fit_margin(self, histogram: Floats, level: float) -> float:
        """Return how much worse than the best fit the true histogram fits, but for chance (1−level)/2."""
        expected = self.rates @ histogram
        rng = Stream(0, ("statistics", "richness")).numpy()
        margins = []
        for _ in range(_REPLICATES):
            count = rng.poisson(expected)
            margins.append(float((np.abs(expected - count) / np.sqrt(count + 1)).sum()) - self.best_fit(count))
        z = 1.5 * float(stats.norm.ppf((1 + level) / 2))
        return float(np.mean(margins) + z * np.std(margins, ddof=1))

    def _solve(
        self, cost: Floats, deviation: float | None = None, count: Ints | None = None
    ) -> optimize.OptimizeResult:
        count = self.count if count is None else count
        g, r = len(self.x), len(self.size)
        weight = 1 / np.sqrt(count + 1)
        A, one = self.rates / self.x * weight[:, None], np.eye(r)
        above, limit = np.block([[A, -one], [-A, -one]]), np.r_[count * weight, -count * weight]
        if deviation is not None:
            above, limit = np.vstack([above, np.r_[np.zeros(g), np.ones(r)]]), np.r_[limit, deviation]
        total = np.r_[np.ones(g), np.zeros(r)][None]
        solution = optimize.linprog(cost, above, limit, total, [self.mass], method="highs")
        if solution.status != 0:
            raise DidlearnError(f"the linear programme for the unseen images was not solved: {solution.message}")
        return solution


def _problem(F: Ints, samples: int) -> _Problem:
    alone = _stands_alone(F)
    sizes = np.arange(len(F))
    fitted = np.where(alone, 0, F)
    top = int(np.flatnonzero(fitted).max(initial=1))
    # Rows beyond the largest fitted size say that nothing was seen there; beyond OFTEN they would contradict the
    # images counted as themselves.
    last = _OFTEN if top == _OFTEN else top + math.ceil(math.sqrt(top))
    rows = np.arange(1, last + 1)
    rows = rows[~np.r_[alone, np.zeros(last + 1, bool)][rows]]
    count = np.r_[fitted, np.zeros(last + 1, int)][rows]
    smallest = 1 / (_RARER * max(samples, _chao1(F, samples)))
    largest = (top + math.sqrt(top)) / samples
    points = math.ceil(math.log(largest / smallest) / math.log(_RATIO)) + 1
    mass = 1 - float((sizes * F)[alone].sum()) / samples
    x = np.geomspace(smallest, largest, points)
    return _Problem(rows, count, x, mass if mass > 1e-12 else 0.0, int(F[alone].sum()), samples)


def _stands_alone(F: Ints) -> Flags:
    """Which sizes are taken at face value: fewer than √i clusters lie within ⌈√i⌉ of size i."""
    i = np.arange(len(F))
    reach = np.ceil(np.sqrt(i)).astype(int)
    below = np.r_[0, np.cumsum(F)]
    near = below[np.minimum(i + reach, len(F) - 1) + 1] - below[np.maximum(i - reach, 1)]
    return np.asarray((F > 0) & ((near < np.sqrt(i)) | (i > _OFTEN)) & (i > 0))
