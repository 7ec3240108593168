"""How much of the data's spread a generator uses, each image measured with its own scale.

One global distance is ruled by the densest region of the data. Here each sample brings the distance to its k-th
neighbour among N real images that the generator has not seen. If the generator's law is the data's, the next sample is
as likely as a further real image to fall within it: k/(N+1) of the time exactly, whatever the law and the metric. The
ratio

    λ = P(d(g, g') ≤ r_k(g)) · (N+1)/k

tends, for small balls, to ∫ p_g²/p_r = 1 + χ²(p_g ‖ p_r): a generator that is the data's law on a share s of it has
λ = 1/s. Where samples leave the data's manifold the balls grow and λ with them. Centred on real images instead, with W
samples within r_k of each, (E W)²/E W² is Kish's effective share: it sees the spread near the data alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from didlearn.arrays import Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import beta_ends, check_level

_FARTHEST = 600.0  # of a half of a ratio's interval on the logarithm: an end farther off is as good as open


@dataclass(frozen=True)
class NearPairs:
    """How often one of n images falls into the ball of another.

    Attributes:
        rate: the share of ordered pairs (g, g') with g' in the ball of g. variance: of that rate, given the balls.
        images: n. null: the rate of a perfect generator, k/(N+1).
    """

    rate: float
    variance: float
    images: int
    null: float

    @property
    def ratio(self) -> float:
        """λ: the rate over that of a perfect generator."""
        return self.rate / self.null

    def at(self, images: int) -> NearPairs:
        """Return what is expected of another number of images: one part of the variance falls as 1/n, one as 1/n²."""
        n, m = self.images, images
        single = min(self.variance, 2 * self.rate / (n * (n - 1)))
        shared = (self.variance - single) * n / m
        return NearPairs(self.rate, shared + single * n * (n - 1) / (m * (m - 1)), m, self.null)

    def interval(self, level: float) -> tuple[float, float]:
        """Return the ends of λ: Clopper and Pearson's at as many independent pairs as would vary as much."""
        check_level(level)
        tail, total = (1 - level) / 2, self.images * (self.images - 1)
        if self.rate == 0:
            return 0.0, min(1.0, -math.log(tail) / total) / self.null
        m = min(max(self.rate * (1 - self.rate) / self.variance, 1.0), total) if self.variance > 0 else total
        low, high = beta_ends(self.rate * m, m, tail)
        return low / self.null, high / self.null

    def estimate(self, level: float) -> Estimate:
        """Return λ with its interval."""
        low, high = self.interval(level)
        method = "pairs within each image's own distance to real ones, U-statistic"
        return Estimate(value=self.ratio, low=low, high=high, level=level, n=self.images, method=method, unit="ratio")


def near_pairs(inside: Ints, around: Ints, reference: int, k: int) -> NearPairs:
    """Count the pairs that fall into each other's balls.

    The rate u is a U-statistic of variance 4ζ₁/n + u(1+ρ)/(n(n−1)), ρ the correlation of the two directions of a pair.
    The half sums s of rows and columns over n−1 have the variance ζ₁ + u(1+ρ)/(2(n−1)), so 4 Var(s)/n − u/(n(n−1)) is
    it at ρ = 0, and a little more where nearness is mutual.

    Args:
        inside: (n,) how many other images lie within each image's ball.
        around: (n,) in how many others' balls each image lies.
        reference: N, the real images the balls were measured by. k: the neighbour they reach to.

    Raises:
        UsageError: there are fewer than two images, or k is not within 1..N.
    """
    n = len(inside)
    if n < 2 or not 1 <= k <= reference:
        raise UsageError(f"near pairs need two images and 1 ≤ k ≤ N, got {n} images, k = {k}, N = {reference}")
    rate = float(inside.sum()) / (n * (n - 1))
    half_sums = (inside + around) / (2 * (n - 1))
    single = rate / (n * (n - 1))
    variance = max(single, 4 * float(half_sums.var(ddof=1)) / n - single)
    return NearPairs(rate, variance, n, k / (reference + 1))


@dataclass(frozen=True)
class NearReal:
    """How generated images gather around real ones.

    Attributes:
        counts: (m,) samples within r_k of each real image. samples: n. null: the share expected of each, k/N.
    """

    counts: Ints
    samples: int
    null: float

    def mass(self, level: float) -> Estimate:
        """Return E w: how many samples lie near real images, over a perfect generator's number."""
        found = self.counts / (self.samples * self.null)
        half = float(stats.norm.ppf((1 + level) / 2)) * float(found.std(ddof=1)) / math.sqrt(len(found))
        value = float(found.mean())
        return self._named(value, max(0.0, value - half), value + half, level, "samples near real images", "ratio")

    def effective_share(self, level: float) -> Estimate | None:
        """Return Kish's (E w)²/E w², unbiased in its parts; ``None`` where no sample lies near a real image.

        The interval is the jackknife's over real images, on the logarithm.
        """
        w, n, m = self.counts.astype(np.float64), self.samples, len(self.counts)
        first, second = w / (n * self.null), w * (w - 1) / (n * (n - 1) * self.null**2)
        if not second.sum() > 0:
            return None
        a, b = float(first.mean()), float(second.mean())
        pull = 2 * (first - a) / a - (second - b) / b
        half = float(stats.norm.ppf((1 + level) / 2)) * float(pull.std(ddof=1)) / math.sqrt(m)
        value = a**2 / b
        method = "Kish's share of real images' weights"
        return self._named(value, value * math.exp(-half), value * math.exp(half), level, method, "fraction")

    def _named(self, value: float, low: float, high: float, level: float, method: str, unit: str) -> Estimate:
        return Estimate(value=value, low=low, high=high, level=level, n=len(self.counts), method=method, unit=unit)


def ratio_of(own: Estimate, control: Estimate, method: str = "") -> Estimate:
    """Return own/control of two independent estimates of 0 or more, by the ends of both.

    Donner and Zou's (2012) recovery of variances, on the logarithm: log R ± √(own half² + control half²), each half
    taken towards the end that it bounds. An end that is 0 or open stays so.

    Raises:
        UsageError: a value is missing or below 0.
    """
    a, b = own.value, control.value
    if a is None or b is None or a < 0 or b < 0:
        raise UsageError(f"a ratio needs two values of 0 or more, got {a} and {b}")
    low = _quotient_end(a, own.low, b, control.high)
    high = _quotient_end(a, own.high, b, control.low)
    value = a / b if b > 0 else None
    n, words = own.n + control.n, method or f"ratio; {own.method}"
    return Estimate(value=value, low=low or 0.0, high=high, level=own.level, n=n, method=words, unit="ratio")


def _quotient_end(a: float, a_end: float | None, b: float, b_end: float | None) -> float | None:
    """The end of a/b that the end of a and the opposite end of b make; ``None`` where it is open."""
    if a_end is None or b_end is None or b_end == 0:
        return None
    if min(a, b, a_end) == 0:
        return a_end / b_end
    half, upwards = math.hypot(math.log(a_end / a), math.log(b_end / b)), (a_end - a or b - b_end) >= 0
    if half > _FARTHEST:
        return None if upwards else 0.0
    return a / b * math.exp(half if upwards else -half)
