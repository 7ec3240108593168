"""Which generated images are nobody's copy, and which share of them are copies of training images."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from didlearn.arrays import Floats, Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import check_count, check_level, proportion


def authenticity(
    *,
    nearest_distance: Floats,
    nearest_index: Ints,
    train_gap: Floats,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share of generated images that are farther from the nearest training image than its own neighbour.

    Generated image g with nearest training image i is authentic when d(g, i) > d(i, i's nearest *other* training
    image). Ties (exact copies of a duplicated image) are not authentic. (The published index of Alaa et al. looks up
    the wrong image's distance; this is the definition they state.)

    Args:
        nearest_distance: (m,) distance from each generated image to its nearest training image.
        nearest_index: (m,) which training image that is.
        train_gap: (n,) distance from each training image to its nearest other training image.
        level: nominal coverage of the Wilson interval.

    Raises:
        UsageError: the arrays do not fit together, or there is no generated image.
    """
    distance, index, gap = np.asarray(nearest_distance), np.asarray(nearest_index), np.asarray(train_gap)
    if distance.ndim != 1 or distance.shape != index.shape or gap.ndim != 1:
        raise UsageError(
            "one distance and one index per generated image are needed, and one distance per training image; "
            f"got shapes {distance.shape}, {index.shape} and {gap.shape}"
        )
    if len(index) and (index.min() < 0 or index.max() >= len(gap)):
        raise UsageError(f"nearest_index must point into the {len(gap)} training images, got {index.max()}")
    authentic = int((distance > gap[index]).sum()) if len(index) else 0
    return proportion(authentic, len(index), level, method="wilson")


def copied_fraction(copies: int, generated: int, heldout_copies: int, heldout: int, level: float = 0.95) -> Estimate:
    """Estimate which fraction f of the generated images are copies, beyond the matches that chance makes.

    An independent image matches a training image at rate h, estimated on held-out images. If a fraction f are copies,
    generated images match at rate g = f + (1−f)h, so f = (g−h)/(1−h) = 1 − (1−g)/(1−h). The interval is that of
    the ratio (1−g)/(1−h) of two proportions, by the score test (Koopman 1984; Miettinen and Nurminen 1985), cut to
    [0, 1], in which f lies. It never ends below what no match at all among the generated images leaves open: fewer
    matches than held-out images have are chance, and no proof of a share below 0.

    Args:
        copies: generated images that match a training image. generated: how many were looked at.
        heldout_copies: held-out images that match one by the same rule. heldout: how many were looked at.
        level: nominal coverage.

    Returns:
        ``value`` is ``None`` with the interval [0, 1] where every held-out image matches: the rule then tells nothing.

    Raises:
        UsageError: the counts or the level make no sense.
    """
    check_count(copies, generated)
    check_count(heldout_copies, heldout)
    check_level(level)
    x, y = generated - copies, heldout - heldout_copies
    value = None if y == 0 else min(1.0, max(0.0, 1 - (x / generated) / (y / heldout)))
    low, high = _ratio_interval(*map(int, (x, generated, y, heldout)), level) if y else (0.0, math.inf)
    return Estimate(
        value=value,
        low=min(1.0, max(0.0, 1 - high)),
        high=max(1 - low, 1 - ((1 - level) / 2) ** (1 / generated)),
        level=level,
        n=generated,
        method="matches beyond the held-out rate, score interval",
        unit="fraction",
    )


@lru_cache(1 << 12)  # rules are compared and samples planned by the same few counts again and again
def _ratio_interval(x: int, m: int, y: int, n: int, level: float) -> tuple[float, float]:
    """Ratios r = p/q of the proportions behind x/m and y/n that the score test does not reject (y > 0)."""
    z = float(stats.norm.ppf((1 + level) / 2))
    centre = (x / m) / (y / n) if x else 0.5 / m

    def excess(log_ratio: float) -> float:
        return abs(_score(math.exp(log_ratio), x, m, y, n)) - z

    middle, reach = math.log(centre), 60.0
    high = math.exp(optimize.brentq(excess, middle, middle + reach)) if excess(middle) < 0 else centre
    low = math.exp(optimize.brentq(excess, middle - reach, middle)) if x and excess(middle) < 0 else 0.0
    return low, high


def _score(ratio: float, x: int, m: int, y: int, n: int) -> float:
    """The score statistic of p = ratio·q, at q's maximum-likelihood value under that constraint."""
    a, b, c = ratio * (m + n), -(ratio * (m + y) + x + n), x + y
    # The smaller root, in the form that does not cancel.
    q = min(1.0, 2 * c / (-b + math.sqrt(max(b * b - 4 * a * c, 0.0))))
    p = min(1.0, ratio * q)
    variance = (p * (1 - p) / m + ratio**2 * q * (1 - q) / n) * (m + n) / (m + n - 1)
    gap = x / m - ratio * y / n
    return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap) if gap else 0.0
