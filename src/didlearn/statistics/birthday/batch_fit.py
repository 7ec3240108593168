"""The effective support from batches of several sizes, by maximum likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from scipy import optimize, stats

from didlearn.arrays import Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.paradox import log_no_collision
from didlearn.statistics.intervals import check_level

LARGEST_SUPPORT = 1e18


def fit_effective_support(
    batch_size: Sequence[int] | Ints,
    batches: Sequence[int] | Ints,
    collisions: Sequence[int] | Ints,
    level: float = 0.95,
) -> Estimate:
    """Fit β in γ(M) = 1 − ∏_{i<M}(1 − i/β) to how many batches of each size held a duplicate.

    Fitting all sizes at once replaces the search for "the batch size at which half collide", which selects on noise.
    β is the number of equally likely images that would collide as often; for any other law it estimates an upper bound
    of 1/Σp² (Theorem 2′(i)). The interval is that of the profile likelihood.

    Args:
        batch_size: (k,) images per batch, each at least 2.
        batches: (k,) independent batches of that size.
        collisions: (k,) how many of them held at least one duplicate pair.
        level: nominal coverage.

    Returns:
        With no batch colliding ``value`` and ``high`` are ``None``, with all of them ``value`` and ``low``; the other
        end is then exact, where the chance of that outcome is (1−level)/2.

    Raises:
        UsageError: the lists differ in length or hold impossible counts.
    """
    check_level(level)
    M, B, K = _columns(batch_size, batches, collisions)
    objective = partial(_log_likelihood, M=M, B=B, K=K)
    value, low, high = None, None, None
    if K.sum() == 0:
        low = _crossing(objective, math.log((1 - level) / 2), rising=True)
    elif (K == B).all():
        high = _crossing(objective, math.log((1 - level) / 2), rising=False)
    else:
        value = _peak(objective)
        drop = objective(value) - float(stats.chi2.ppf(level, 1)) / 2
        low = _crossing(objective, drop, rising=True, top=value)
        high = _crossing(objective, drop, rising=False, bottom=value)
    return Estimate(
        value=value,
        low=low,
        high=high,
        level=level,
        n=int((M * B).sum()),
        method=f"binomial maximum likelihood over {len(M)} batch sizes, profile interval",
        unit="images",
    )


def _columns(*columns: Sequence[int] | Ints) -> tuple[Ints, Ints, Ints]:
    M, B, K = (np.atleast_1d(np.asarray(c)) for c in columns)
    if not (M.ndim == 1 and len(M) and M.shape == B.shape == K.shape):
        raise UsageError(f"one count per batch size is needed, got lists of lengths {len(M)}, {len(B)} and {len(K)}")
    if (M < 2).any() or (B < 1).any() or (K < 0).any() or (K > B).any():
        raise UsageError(
            "batch sizes are at least 2, batches at least 1, and collisions between 0 and the batches; "
            f"got {M.tolist()}, {B.tolist()} and {K.tolist()}"
        )
    return M, B, K


def _log_likelihood(beta: float, *, M: Ints, B: Ints, K: Ints) -> float:
    total = 0.0
    for m, b, k in zip(M.tolist(), B.tolist(), K.tolist(), strict=True):
        if beta <= m - 1:  # a batch is sure to collide
            if b - k:
                return -math.inf
            continue
        none = log_no_collision(beta, m)
        if k:
            total += k * math.log(-math.expm1(none))
        if b - k:
            total += (b - k) * none
    return total


def _peak(objective: Callable[[float], float]) -> float:
    """The likelihood has one maximum in ln β: each term rises with β (no collision) or falls (collision)."""
    grid = np.linspace(0, math.log(LARGEST_SUPPORT), 64)
    best = int(np.argmax([objective(math.exp(u)) for u in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        lambda u: -max(objective(math.exp(u)), -1e300), bounds=around, method="bounded", options={"xatol": 1e-10}
    )
    return math.exp(float(found.x))


def _crossing(
    objective: Callable[[float], float],
    height: float,
    *,
    rising: bool,
    bottom: float = 1.0,
    top: float = LARGEST_SUPPORT,
) -> float:
    """Where the log-likelihood crosses ``height`` between ``bottom`` and ``top``, by bisection in ln β."""
    low, high = math.log(bottom), math.log(top)
    for _ in range(50):
        middle = (low + high) / 2
        if (objective(math.exp(middle)) < height) == rising:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)
