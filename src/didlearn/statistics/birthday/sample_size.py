"""Comparing two effective supports, and how many samples would settle a comparison that does not settle."""

from __future__ import annotations

import math
from typing import Literal

from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.collisions import Collisions, effective_support

# The pairs at which seeing none is as likely as not: what to plan with when none was seen.
_MEDIAN_OF_NONE = math.log(2)


def compare_support(*, generated: Estimate, real: Estimate, factor: float) -> Literal["fail", "pass", "inconclusive"]:
    """Compare two effective supports by their intervals.

    ``fail``: the generator's lies wholly below the real set's. ``pass``: the generator's low end is at least the real
    set's high end divided by ``factor``, so it is shown not to be smaller by that factor. Else ``inconclusive``.

    Raises:
        UsageError: the factor is below 1.
    """
    if not factor >= 1:
        raise UsageError(f"the factor says how much smaller is still good enough, at least 1; got {factor!r}")
    if generated.high is not None and real.low is not None and generated.high < real.low:
        return "fail"
    if generated.low is not None and real.high is not None and generated.low >= real.high / factor:
        return "pass"
    return "inconclusive"


def samples_to_settle(
    *,
    generated: Collisions,
    real: Collisions,
    factor: float,
    level: float = 0.95,
    fixed_real: bool = False,
    limit: int = 10**9,
) -> int | None:
    """Return the least number of samples of each at which ``compare_support`` would settle, were the estimates true.

    Pairs grow as n(n−1) and triples as n(n−1)(n−2); the intervals are those of ``effective_support``. Where no pair was
    seen the count at which none is as likely as not (ln 2) stands in for it. The search doubles from the samples at
    hand and then bisects.

    Args:
        generated: what the generator's sample showed.
        real: what the real images showed.
        factor: as in ``compare_support``.
        level: the level of the intervals.
        fixed_real: the real images are all there are; only the generator can be sampled more.
        limit: give up above so many samples.

    Returns:
        The samples of each (of the generator alone if ``fixed_real``), or ``None`` where no number up to ``limit``
        settles it: equal supports at factor 1, say, or too few real images.

    Raises:
        UsageError: the factor is below 1, or a sample holds fewer than two images.
    """

    def settles(n: int) -> bool:
        mine, theirs = _at(generated, n), real if fixed_real else _at(real, n)
        supports = (effective_support(c.pairs, c.triples, c.samples, level) for c in (mine, theirs))
        return compare_support(generated=next(supports), real=next(supports), factor=factor) != "inconclusive"

    low = high = max(2, generated.samples if fixed_real else min(generated.samples, real.samples))
    if settles(high):
        return high
    while not settles(high):
        low, high = high, 2 * high
        if low >= limit:
            return None
    while high - low > max(1, low // 1000):
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high


def _at(seen: Collisions, samples: int) -> Collisions:
    """The counts expected of ``samples`` draws from a law with the estimated Σp² and Σp³."""
    n, pairs = samples, seen.samples * (seen.samples - 1) / 2
    s2 = (seen.pairs or _MEDIAN_OF_NONE) / pairs
    s3 = max(seen.s3, min(s2, 1.0) ** 2)
    total = n * (n - 1) / 2
    return Collisions(min(s2, 1.0) * total, min(s3, 1.0) * 2 * total * (n - 2), n)
