"""The birthday paradox, both ways: from a support to a collision rate and back.

Batches of M draws that hold a duplicate with probability γ bound the effective support 1/Σp² by N_unif(M, γ), the
number of equally likely images that collide as often. Both theorems of Arora, Risteski and Zhang (ICLR 2018) are false
as printed; what they print is here under names that say so, beside what is true.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize, special, stats

from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import clopper_pearson


def collision_rate_uniform(support: float, batch_size: int) -> float:
    """Return γ = 1 − ∏_{i<M}(1 − i/N): the chance that M draws from N equally likely images hold a duplicate.

    Raises:
        UsageError: the support is below 1, or the batch holds fewer than 1 image.
    """
    if support < 1 or batch_size < 1:
        raise UsageError(f"support and batch size must be at least 1, got {support} and {batch_size}")
    return -math.expm1(log_no_collision(support, batch_size)) if batch_size - 1 < support else 1.0


def log_no_collision(support: float, batch_size: int) -> float:
    """Return Σ_{i<M} ln(1 − i/N), for any real N > M − 1."""
    return float(np.log1p(-np.arange(batch_size) / support).sum())


def birthday_bound(collision_rate: float, batch_size: int) -> float:
    """Return N_unif(M, γ), the root N of 1 − ∏_{i<M}(1 − i/N) = γ.

    It bounds the *effective* support 1/Σp² from above, for every law (Theorem 2′(i)); about M²/(2 ln(1/(1−γ))), so
    .72·M² at γ = ½ and not M². It does not bound the number of different images.

    Args:
        collision_rate: γ, the probability that a batch holds at least one duplicate pair, in (0, 1).
        batch_size: M, at least 2.

    Raises:
        UsageError: the rate is not inside (0, 1), or the batch holds fewer than two images.
    """
    _check_rate(collision_rate, batch_size)
    target = math.log1p(-collision_rate)
    smallest = batch_size - 1
    others = np.arange(smallest)

    # The unknown is u = ln(N − (M−1)): the root may sit a hair above M − 1, or beyond 1e12.
    def gap(u: float) -> float:
        N = smallest + math.exp(u)
        last = math.log1p(-smallest / N) if u > 0 else u - math.log(N)
        return float(np.log1p(-others / N).sum()) + last - target

    highest = math.log(batch_size * (batch_size - 1) / (-2 * target) + batch_size) + 1
    return smallest + math.exp(float(optimize.brentq(gap, -60.0, highest, xtol=1e-14, rtol=1e-15)))


def collision_rate_lower_bound(support: int, mass: float, batch_size: int) -> float:
    """Return the least chance of a duplicate among M draws when N images hold at least mass ρ (Theorem 1′).

    1 − E_K[∏_{i<K}(1 − i/N)] with K ~ Bin(M, ρ), attained when the N images are equally likely and nothing else ever
    repeats. The printed exponent has ρ where ρ² belongs.

    Raises:
        UsageError: N or M is below 1, or ρ is not in (0, 1].
    """
    _check_set(support, mass, batch_size)
    k = np.arange(batch_size + 1)
    log_terms = stats.binom.logpmf(k, batch_size, mass)
    # Summed, not taken as lnΓ(N+1) − lnΓ(N+1−k): those agree in their leading digits when N is large.
    with np.errstate(divide="ignore"):
        steps = np.log1p(-np.minimum(np.arange(batch_size) / support, 1.0))
    log_terms = log_terms + np.concatenate([[0.0], np.cumsum(steps)])
    return float(-np.expm1(min(0.0, special.logsumexp(log_terms))))


def printed_theorem1(support: int, mass: float, batch_size: int) -> float:
    """Return 1 − exp(−(M²−M)ρ/(2N)), the paper's Theorem 1. **Not a bound** for ρ < 1; for comparison only.

    Raises:
        UsageError: N or M is below 1, or ρ is not in (0, 1].
    """
    _check_set(support, mass, batch_size)
    return -math.expm1(-(batch_size**2 - batch_size) * mass / (2 * support))


def printed_beta_bound(collision_rate: float, batch_size: int) -> float:
    """Return β* = 2M/(−3 + √(9 + (24/M)·ln(1/(1−γ)))), the paper's bound on 1/Σp².

    A correct bound, slightly looser than ``birthday_bound``.

    Raises:
        UsageError: the rate is not inside (0, 1), or the batch holds fewer than two images.
    """
    _check_rate(collision_rate, batch_size)
    return 2 * batch_size / _printed_denominator(collision_rate, batch_size)


def printed_theorem2(collision_rate: float, batch_size: int, mass: float) -> float | None:
    """Return 2Mρ²/(−3 + √(9 + (24/M)·ln(1/(1−γ))) − 2M(1−ρ)²), the paper's Theorem 2.

    **False**: one atom of mass .03 and a diffuse rest give γ = .5408 at M = 60, hence "2 982 images hold mass .99",
    where no finite number does. For comparison only; ``set_mass_bound`` is what holds.

    Returns:
        The printed size, or ``None`` where the denominator is not positive and the paper claims nothing.

    Raises:
        UsageError: the rate is not inside (0, 1), the batch holds fewer than two images, or ρ is not in (0, 1].
    """
    _check_rate(collision_rate, batch_size)
    _check_set(1, mass, batch_size)
    denominator = _printed_denominator(collision_rate, batch_size) - 2 * batch_size * (1 - mass) ** 2
    return 2 * batch_size * mass**2 / denominator if denominator > 0 else None


def set_mass_bound(beta: float, threshold: float) -> float:
    """Return the mass that the images more likely than t are sure to hold when 1/Σp² ≤ β (Theorem 2′(ii)).

    h ≥ ½[t + √(t² + 4(1/β − t))]; there are fewer than 1/t such images. t = 1/(2β) says: fewer than 2β images hold
    about (2β)^(−1/2). One atom attains it, so nothing better holds without a cap.

    Raises:
        UsageError: t is not inside (0, 1/β), or β is below 1.
    """
    _check_threshold(beta, threshold)
    return (threshold + math.sqrt(threshold**2 + 4 * (1 / beta - threshold))) / 2


def set_mass_bound_capped(beta: float, threshold: float, cap: float) -> float:
    """Return the mass that the images more likely than t are sure to hold, no image being likelier than ``cap``.

    h ≥ (1/β − t)/(a − t), at most 1 (Theorem 2′(iii)). The cap may be the Clopper–Pearson end of the largest cluster.

    Raises:
        UsageError: t is not inside (0, 1/β), β is below 1, or the cap is not within [1/β, 1].
    """
    _check_threshold(beta, threshold)
    if not 1 / beta <= cap <= 1:
        raise UsageError(f"some image has mass at least Σp² ≥ {1 / beta:.3g}, so the cap lies above it; got {cap}")
    return min(1.0, (1 / beta - threshold) / (cap - threshold))


def collision_rate_paley_zygmund(s2: float, batch_size: int, s3: float | None = None) -> float:
    """Return a lower bound on γ for every law with Σp² = ``s2`` and Σp³ ≤ ``s3`` (Theorem 2′(iv)).

    γ ≥ C₂s₂/(1 + 2(M−2)s₃/s₂ + ½(M−2)(M−3)s₂), C₂ = M(M−1)/2. Turns an upper bound on γ into a lower one on 1/Σp².

    Args:
        s2: Σp², in (0, 1].
        batch_size: M, at least 2.
        s3: Σp³; s₂^1.5, the most it can be, if not given.

    Raises:
        UsageError: an argument lies outside its range.
    """
    if not 0 < s2 <= 1 or batch_size < 2:
        raise UsageError(f"Σp² lies in (0, 1] and a batch holds at least 2 images, got {s2} and {batch_size}")
    M, s3 = batch_size, s2**1.5 if s3 is None else s3
    return M * (M - 1) / 2 * s2 / (1 + 2 * (M - 2) * s3 / s2 + (M - 2) * (M - 3) * s2 / 2)


def batch_support_bound(batch_size: int, batches: int, collisions: int, level: float = 0.95) -> Estimate:
    """Bound 1/Σp² from above by how many independent batches held a duplicate.

    ``collisions`` of ``batches`` → one-sided Clopper–Pearson on γ → N_unif(M, γ_low), a rigorous limit for every law.
    10 of 20 batches of 800 give 889 353.

    Returns:
        ``value`` is N_unif at the observed rate (``None`` where no batch or every batch collides); ``low`` is open.

    Raises:
        UsageError: the counts make no sense.
    """
    gamma_low, _ = clopper_pearson(collisions, batches, level, "lower")
    rate = collisions / batches
    return Estimate(
        value=birthday_bound(rate, batch_size) if 0 < rate < 1 else None,
        low=None,
        high=birthday_bound(gamma_low, batch_size) if gamma_low > 0 else None,
        level=level,
        n=batches * batch_size,
        method="birthday inversion of the one-sided Clopper–Pearson collision rate",
        unit="images",
    )


def _printed_denominator(collision_rate: float, batch_size: int) -> float:
    x = -24 / batch_size * math.log1p(-collision_rate)
    # −3 + √(9 + x) without the cancellation.
    return x / (3 + math.sqrt(9 + x))


def _check_rate(collision_rate: float, batch_size: int) -> None:
    if not 0 < collision_rate < 1:
        raise UsageError(
            f"a collision rate must lie strictly between 0 and 1 to bound a support, got {collision_rate!r}; "
            "with none or all of the batches colliding use an interval's end"
        )
    if batch_size < 2:
        raise UsageError(f"a batch that can collide holds at least 2 images, got {batch_size}")


def _check_set(support: int, mass: float, batch_size: int) -> None:
    if support < 1 or batch_size < 1:
        raise UsageError(f"support and batch size must be at least 1, got {support} and {batch_size}")
    if not 0 < mass <= 1:
        raise UsageError(f"the mass of a set lies in (0, 1], got {mass!r}")


def _check_threshold(beta: float, threshold: float) -> None:
    if beta < 1:
        raise UsageError(f"an effective support is at least 1, got {beta!r}")
    if not 0 < threshold < 1 / beta:
        raise UsageError(f"the threshold must lie strictly between 0 and 1/β = {1 / beta:.3g}, got {threshold!r}")
