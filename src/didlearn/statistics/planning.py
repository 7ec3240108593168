"""How many more draws settle an open question: planned so that a repetition settles it in four cases of five.

Today's value is uncertain itself, and a repetition finds another one. Both are allowed for by the predictive law of
what the repetition will find: normal for means, beta-binomial (Jeffreys' prior) for counts.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import stats

POWER = 0.8
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
    reach, moved, today = (float(stats.norm.ppf(p)) for p in ((1 + needed) / 2, POWER, (1 + level) / 2))
    asked, times = gap * today / half, 1.0
    while not asked >= reach / math.sqrt(times) + moved * math.sqrt(1 + 1 / times):
        times *= _STEP
        if times > _MOST_TIMES:
            return None
    return times


def draws_to_show(hits: int, draws: int, shown: Callable[[int, int], bool], *, few: bool) -> int | None:
    """Return of how many draws in all the number of hits shows what today's leave open.

    Args:
        hits, draws: found today.
        shown: of a number of hits and of draws, whether they show it. few: whether few hits do, or many.

    Returns:
        More than ``draws``, to a tenth; ``None`` where no number that anybody will draw does.
    """
    rates = stats.beta(hits + 0.5, draws - hits + 0.5).ppf((np.arange(_RATES) + 0.5) / _RATES)

    def settles(again: int) -> bool:
        at = partial(_holds, shown, again, few=few)
        turn = bisect.bisect_left(range(again + 1), True, key=at)  # the first number that shows it, or does not: few
        found = stats.binom(again, rates)
        return bool((found.cdf(turn - 1) if few else found.sf(turn - 1)).mean() >= POWER)

    low, high = draws, 2 * draws
    while not settles(high):
        low, high = high, 2 * high
        if high > _MOST_TIMES * draws:
            return None
    while high > _STEP * low:
        middle = math.ceil(math.sqrt(low * high))
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high


def _holds(shown: Callable[[int, int], bool], draws: int, hits: int, *, few: bool) -> bool:
    """False up to some number of hits, then true."""
    return shown(hits, draws) is not few
