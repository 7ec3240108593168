"""The kernel distance of two samples (Bińkowski et al. 2018: KID, with Inception features).

MMD² = Σ_{i≠j} k(x_i, x_j) / n(n−1) + Σ_{i≠j} k(y_i, y_j) / m(m−1) − 2 Σ k(x_i, y_j) / nm,   k(a, b) = (a·b / D + 1)³

Over all pairs of images, so there are no subsets to choose; without bias, so it may be negative. The standard deviation
over subsets that peers print is no standard error; leaving each image out once gives one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from didlearn.errors import DataError, UsageError
from didlearn.statistics.features import Array, as_pair
from didlearn.statistics.influence import Influences

ROWS = 512  # rows whose kernel values are held at once
FEWEST = 3
ROUNDING = 1e-12


def kernel_distance(*, real: Any, generated: Any) -> float:
    """Return the unbiased squared maximum mean discrepancy with the kernel (a·b / D + 1)³, over all pairs.

    Exact, in float64, in memory of a block of rows.

    Args:
        real: (n, D) features of real images. generated: (m, D) features of generated images.

    Raises:
        DataError: features that cannot be used, fewer than two rows, or different widths.
    """
    left, right = as_pair(real, generated)
    n, m = len(left), len(right)
    within = _within(left).sum() / (n * (n - 1)) + _within(right).sum() / (m * (m - 1))
    return float(within - 2 * _between(left, right)[0].sum() / (n * m))


def kernel_influence(*, real: Any, generated: Any) -> Influences:
    """Return the kernel distance with each image's jackknife influence, (n − 1)(MMD² − MMD² without it).

    The jackknife never has too small an expected variance (Efron & Stein 1981), so where both samples have the same
    law, and the distance is degenerate, its interval is wider than need be.

    Raises:
        DataError: as ``kernel_distance``; three rows of each are needed.
    """
    left, right = as_pair(real, generated, FEWEST)
    across, back = _between(left, right)
    own, other = _within(left), _within(right)
    value = _mmd(own.sum(), len(left), other.sum(), len(right), across.sum())
    return Influences(value, _left_out(own, across, len(right)), _left_out(other, back, len(left)))


def kernel_share(*, real: Any, generated: Any) -> tuple[Influences, Influences]:
    """Return the kernel distance and its share of the real images' own spread, each with its influences.

    The share is MMD² / (E k(x, x) − E k(x, x')): its denominator is the mean squared distance, in the kernel's space,
    of one real image from the mean of all. If a share ε of the generated images were all one typical real image, and
    the others true to the real law, it would be ε².

    Raises:
        DataError: as ``kernel_influence``, or the real rows are all alike.
    """
    left, right = as_pair(real, generated, FEWEST)
    found = kernel_influence(real=left, generated=right)
    n, own = len(left), _within(left)
    self_similar = (np.square(left).sum(axis=1) / left.shape[1] + 1) ** 3
    spread = float(self_similar.mean() - own.sum() / (n * (n - 1)))
    if spread <= ROUNDING * float(self_similar.mean()):
        raise DataError("all real rows are alike, so there is no spread to measure a distance by")
    pull = (self_similar - self_similar.mean()) - 2 * (own - own.mean()) / (n - 1)
    share = found.value / spread
    return found, Influences(share, (found.real - share * pull) / spread, found.generated / spread)


def kernel_pvalue(*, real: Any, generated: Any, rng: np.random.Generator, permutations: int = 499) -> float:
    """Return the p-value of the kernel distance if real and generated images could be exchanged.

    Exact for any law: (1 + #{exchanges with at least the distance}) / (1 + exchanges).

    Args:
        real, generated: (n, D) and (m, D). rng: draws the exchanges. permutations: how many.

    Raises:
        DataError: as ``kernel_distance``. UsageError: ``permutations`` is below 1.
    """
    if permutations < 1:
        raise UsageError(f"a p-value needs at least one permutation, got {permutations}")
    left, right = as_pair(real, generated)
    n, pool = len(left), np.concatenate([left, right])
    chosen = np.zeros((len(pool), 1 + permutations))
    chosen[:n, 0] = 1
    for column in range(1, 1 + permutations):
        chosen[rng.permutation(len(pool))[:n], column] = 1
    distances = _distances_of_splits(pool, chosen, n)
    slack = 1e-9 * float(np.abs(distances).max())
    return float((distances >= distances[0] - slack).mean())


def _distances_of_splits(pool: Array, chosen: Array, n: int) -> Array:
    """The distance between the rows where ``chosen`` is 1 and the others, for each of its columns."""
    own, sums, m = np.zeros(chosen.shape[1]), np.zeros(len(pool)), len(pool) - n
    for rows, later, kernel in _triangle(pool):
        _add(sums, rows, later, kernel)
        # Each pair counts twice; those of the square block at the diagonal are both in it.
        kernel[:, len(kernel) :] *= 2
        own += np.einsum("ip,ip->p", chosen[rows], kernel @ chosen[later])
    touched = sums @ chosen
    return _mmd(own, n, sums.sum() - 2 * touched + own, m, touched - own)


def _mmd(own: Any, n: int, other: Any, m: int, across: Any) -> Any:
    return own / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)


def _left_out(own: Array, across: Array, others: int) -> Array:
    """Each row's jackknife influence, from its sums of kernel values within and across."""
    n = len(own)
    without = (own.sum() - 2 * own) / ((n - 1) * (n - 2)) - 2 * (across.sum() - across) / ((n - 1) * others)
    found: Array = (n - 1) * (without.mean() - without)
    return found


def _within(x: Array) -> Array:
    """Each row's sum of kernel values with the other rows of its set, (n,)."""
    sums = np.zeros(len(x))
    for rows, later, kernel in _triangle(x):
        _add(sums, rows, later, kernel)
    return sums


def _add(sums: Array, rows: slice, later: slice, kernel: Array) -> None:
    sums[rows] += kernel.sum(axis=1)
    sums[later][len(kernel) :] += kernel[:, len(kernel) :].sum(axis=0)


def _between(x: Array, y: Array) -> tuple[Array, Array]:
    """The sums of k(x_i, y_j) over j, (n,), and over i, (m,)."""
    forth, back = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), ROWS):
        kernel = _kernel(x[start : start + ROWS], y)
        forth[start : start + ROWS] = kernel.sum(axis=1)
        back += kernel.sum(axis=0)
    return forth, back


def _triangle(x: Array) -> Iterator[tuple[slice, slice, Array]]:
    """Yield blocks of rows, the rows from there on, and their kernel values without the diagonal."""
    for start in range(0, len(x), ROWS):
        rows, later = slice(start, min(start + ROWS, len(x))), slice(start, len(x))
        kernel = _kernel(x[rows], x[later])
        np.fill_diagonal(kernel, 0.0)
        yield rows, later, kernel


def _kernel(x: Array, y: Array) -> Array:
    inner = x @ y.T
    inner /= x.shape[1]
    inner += 1
    return inner * inner * inner
