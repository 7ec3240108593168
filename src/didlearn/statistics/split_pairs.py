"""Do two samples share more pictures than pictures recur within them? An exact test over those that come twice.

If both samples are draws from one law, the two copies of a picture that comes twice in all fall on either side as
chance has it, whatever the law: the labels of the pooled images are exchangeable. Pictures of a leak always part.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, logsumexp

from didlearn.arrays import Floats, Ints

_NEGLIGIBLE, _LEAST = math.log(1e-12), 1e-300


def chance_of_split(first: int, second: int) -> float:
    """Return the chance that two of ``first + second`` images lie on different sides."""
    total = first + second
    return 2 * first * second / (total * (total - 1)) if total > 1 else 0.0


def split_pairs_pvalue(split: int, pairs: int, first: int, second: int) -> float:
    """Return the chance that ``split`` or more of the pairs part, given both sizes; 1 where no more do than on average.

    P(s) = Σ_a 2^s D!/(s! a! (D−s−a)!) C(n−2D, N−s−2a) / C(n, N): of D pairs s part, a lie in the first sample, the rest
    in the second.

    Args:
        split: pairs of equal images that part. pairs: D, all pictures that come exactly twice in both samples together.
        first, second: images in either sample, N and n − N.
    """
    mean, total = pairs * chance_of_split(first, second), 0.0
    if split <= mean:
        return 1.0
    for parted in range(split, pairs + 1):
        chance = _log_chance(parted, pairs, first, second)
        total += math.exp(chance)
        # Beyond the mean it falls; it is 0 at every other number where all images come in pairs.
        if -math.inf < chance < math.log(max(total, _LEAST)) + _NEGLIGIBLE:
            break
    return min(1.0, total)


def _log_chance(split: int, pairs: int, first: int, second: int) -> float:
    """Log probability that exactly so many pairs part."""
    inside = np.arange(pairs - split + 1)
    rest, left = first + second - 2 * pairs, first - split - 2 * inside
    fits = (left >= 0) & (left <= rest)
    if not fits.any():
        return -math.inf
    inside, left = inside[fits], left[fits]
    ways = gammaln(pairs + 1) - gammaln(split + 1) - gammaln(inside + 1) - gammaln(pairs - split - inside + 1)
    others = _log_choose(rest, left)
    return float(logsumexp(ways + others) + split * math.log(2) - _log_choose(first + second, np.array([first]))[0])


def _log_choose(n: int, k: Ints) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
