"""How many more draws settle an open question: planned so that a repetition settles it in four cases of five.

Today's value is uncertain itself, and a repetition finds another one. Both are allowed for by the predictive law of
what the repetition will find: normal for means, beta-binomial (Jeffreys' prior) for counts.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from didlearn.statistics.intervals import beta_quantile

POWER = 0.8
Shown = Callable[[int, int], bool]
_STEP, _MOST_TIMES = 1.1, 1e3  # steps of the search, and more than anybody will draw
_RATES = 64  # of equal weight, that the beta-binomial law is a mixture over


def times_to_show(gap: float, half: float, level: float, needed: float) -> float | None:
    """Return how many times as many draws show a mean to lie on its side of a limit.

    With t times the draws the interval reaches z(needed) σ/√t, and the value moves by σ √(1 + 1/t); σ: today's error.

    Args:
        gap: from the value to the limit, ≥ 0. half: of the interval towards the limit. level: of that interval.
        needed: level of the interval that must not reach the limit.

    Returns:
        At least 1; ``None`` where the value is so near to the limit that more draws may as well move it across.
    """
    if half == 0:
        return 1.0 if gap > 0 else None
    reach, moved, today = (float(special.ndtri(p)) for p in ((1 + needed) / 2, POWER, (1 + level) / 2))
    asked, times = gap * today / half, 1.0
    while not asked >= reach / math.sqrt(times) + moved * math.sqrt(1 + 1 / times):
        times *= _STEP
        if times > _MOST_TIMES:
            return None
    return times


def draws_to_settle(hits: int, draws: int, *, few: Shown, many: Shown) -> int | None:
    """Return of how many draws in all the number of hits settles what today's leave open, one way or the other.

    Args:
        hits, draws: found today.
        few: of a number of hits and of draws, whether they show that hits are few enough; of fewer so much the more.
        many: whether they show that they are too many; of more so much the more.

    Returns:
        More than ``draws``, to a tenth; ``None`` where no number that anybody will draw does.
    """
    rates = beta_quantile((np.arange(_RATES) + 0.5) / _RATES, hits + 0.5, draws - hits + 0.5)

    def settles(again: int) -> bool:
        beyond_few = bisect.bisect_left(range(again + 1), True, key=lambda found: not few(found, again))
        enough = bisect.bisect_left(range(again + 1), True, key=lambda found: many(found, again))
        found = stats.binom(again, rates)
        return bool((found.cdf(beyond_few - 1) + found.sf(enough - 1)).mean() >= POWER)

    low, high = draws, 2 * draws
    while not settles(high):
        low, high = high, 2 * high
        if high > _MOST_TIMES * draws:
            return None
    while high > _STEP * low:
        middle = math.ceil(math.sqrt(low * high))
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high
