"""The kernel distance of two samples (Bińkowski et al. 2018: KID, with Inception features).

MMD² = Σ_{i≠j} k(x_i, x_j) / n(n−1) + Σ_{i≠j} k(y_i, y_j) / m(m−1) − 2 Σ k(x_i, y_j) / nm,   k(a, b) = (a·b / D + 1)³

Over all pairs of images, so there are no subsets to choose; without bias, so it may be negative. The standard deviation
over subsets that peers print is no standard error; leaving each image out once gives one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np

from didlearn.arrays import ArrayOrTensor, Floats
from didlearn.errors import DataError, UsageError
from didlearn.statistics.fidelity.features import as_pair
from didlearn.statistics.fidelity.influence import Influences

KERNEL_ROWS = 512  # rows whose kernel values are held at once
N = TypeVar("N", float, Floats)
RowKernel = Callable[[Floats, Floats], Floats]  # rows (n, D), (m, D) to values (n, m)
_FEWEST = 3
_ROUNDING = 1e-12


class KernelTest(NamedTuple):
    """The kernel distance, its share of the real images' own spread, and the p-value of an exchange of labels.

    Attributes:
        distance: with each image's jackknife influence, (n − 1)(MMD² − MMD² without it). The jackknife never has too
            small an expected variance (Efron & Stein 1981), so where both samples have the same law, and the distance
            is degenerate, its interval is wider than need be.
        share: MMD² / (E k(x, x) − E k(x, x')). The denominator is the mean squared distance, in the kernel's space, of
            one real image from the mean of all: if a share ε of the generated images were all one typical real image,
            and the others true to the real law, it would be ε².
        pvalue: (1 + #{exchanges with at least the distance}) / (1 + exchanges), exact for any law.
    """

    distance: Influences
    share: Influences
    pvalue: float


def kernel_distance(*, real: ArrayOrTensor, generated: ArrayOrTensor) -> float:
    """Return the unbiased squared maximum mean discrepancy with the kernel (a·b / D + 1)³, over all pairs.

    Exact, in float64, in memory of a block of rows.

    Args:
        real: (n, D) features of real images. generated: (m, D) features of generated images.

    Raises:
        DataError: features that cannot be used, fewer than two rows, or different widths.
    """
    left, right = as_pair(real, generated)
    sums = kernel_sums(left, right, polynomial)
    return float(_mmd(sums.real, len(left), sums.generated, len(right), sums.across))


class KernelSums(NamedTuple):
    """Sums of kernel values over all ordered pairs of different rows of one sample, and over all pairs across."""

    real: float
    generated: float
    across: float


def kernel_sums(real: Floats, generated: Floats, kernel: RowKernel) -> KernelSums:
    """Return the sums of a symmetric kernel's values that a mean discrepancy is made of, in memory of a block of rows.

    Args:
        real: (n, D). generated: (m, D). kernel: of two blocks of rows.
    """
    starts = range(0, len(real), KERNEL_ROWS)
    across = sum(float(kernel(real[some : some + KERNEL_ROWS], generated).sum()) for some in starts)
    return KernelSums(_within(real, kernel), _within(generated, kernel), across)


def kernel_influence(real: Floats, generated: Floats, kernel: RowKernel) -> Influences:
    """Return the unbiased squared discrepancy of a kernel with each row's jackknife influence: see ``KernelTest``.

    Args:
        real: (n, D), n at least 3. generated: (m, D), m too. kernel: symmetric, of two blocks of rows.
    """
    n, pool = len(real), np.concatenate([real, generated])
    chosen = (np.arange(len(pool)) < n).astype(np.float64)[:, None]
    _, to_real, to_all = _sums(pool, chosen, kernel)
    return _influences(to_real[:n], to_all[:n], to_all[n:], to_real[n:])


def kernel_test(
    *, real: ArrayOrTensor, generated: ArrayOrTensor, rng: np.random.Generator, permutations: int = 499
) -> KernelTest:
    """Return the kernel distance, its error, its effect and its p-value, going through all pairs once.

    scipy's ``permutation_test`` would compute every kernel value again for each exchange.

    Args:
        real: (n, D). generated: (m, D). rng: draws the exchanges. permutations: how many.

    Raises:
        DataError: as ``kernel_distance``, fewer than three rows, or real rows that are all alike.
        UsageError: ``permutations`` is below 1.
    """
    if permutations < 1:
        raise UsageError(f"a p-value needs at least one permutation, got {permutations}")
    left, right = as_pair(real, generated, _FEWEST)
    n, pool = len(left), np.concatenate([left, right])
    chosen = np.zeros((len(pool), 1 + permutations))
    chosen[:n, 0] = 1
    for column in range(1, 1 + permutations):
        chosen[rng.permutation(len(pool))[:n], column] = 1
    own, to_real, to_all = _sums(pool, chosen, polynomial)
    distance = _influences(to_real[:n], to_all[:n], to_all[n:], to_real[n:])
    touched = to_all @ chosen
    splits = _mmd(own, n, to_all.sum() - 2 * touched + own, len(right), touched - own)
    # Splits that are equal but for rounding count as equal.
    slack = _ROUNDING * float(np.abs(to_all).sum()) / len(pool) ** 2
    pvalue = float((splits >= splits[0] - slack).mean())
    return KernelTest(distance, _share(distance, left, to_real[:n]), pvalue)


def _sums(pool: Floats, chosen: Floats, kernel: RowKernel) -> tuple[Floats, Floats, Floats]:
    """Return sums of kernel values of different rows.

    Within each split's chosen rows, (p,); of each row with the rows chosen in the first split, (N,); with all, (N,).
    """
    own, to_first, to_all = np.zeros(chosen.shape[1]), np.zeros(len(pool)), np.zeros(len(pool))
    for rows, later, values in _triangle(pool, kernel):
        off = values[:, len(values) :]
        to_first[rows] += values @ chosen[later, 0]
        to_all[rows] += values.sum(axis=1)
        to_first[rows.stop :] += chosen[rows, 0] @ off
        to_all[rows.stop :] += off.sum(axis=0)
        # Each pair counts twice; those of the square block at the diagonal are both in it.
        off *= 2
        own += np.einsum("ip,ip->p", chosen[rows], values @ chosen[later])
    return own, to_first, to_all


def _influences(real: Floats, real_all: Floats, generated_all: Floats, generated: Floats) -> Influences:
    """From each row's sums with the real rows, ``real`` and ``generated``, and with all rows."""
    n, m = len(real), len(generated)
    across, back = real_all - real, generated
    other = generated_all - generated
    value = _mmd(real.sum(), n, other.sum(), m, across.sum())
    return Influences(float(value), _left_out(real, across, m), _left_out(other, back, n))


def _share(distance: Influences, real: Floats, own: Floats) -> Influences:
    n = len(real)
    self_similar = (np.square(real).sum(axis=1) / real.shape[1] + 1) ** 3
    spread = float(self_similar.mean() - own.sum() / (n * (n - 1)))
    if spread <= _ROUNDING * float(self_similar.mean()):
        raise DataError("all real rows are alike, so there is no spread to measure a distance by")
    pull = (self_similar - self_similar.mean()) - 2 * (own - own.mean()) / (n - 1)
    share = distance.value / spread
    return Influences(share, (distance.real - share * pull) / spread, distance.generated / spread)


def _mmd(own: N, n: int, other: N, m: int, across: N) -> N:
    return own / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)


def _left_out(own: Floats, across: Floats, others: int) -> Floats:
    """Each row's jackknife influence, from its sums of kernel values within and across."""
    n = len(own)
    without = (own.sum() - 2 * own) / ((n - 1) * (n - 2)) - 2 * (across.sum() - across) / ((n - 1) * others)
    found: Floats = (n - 1) * (without.mean() - without)
    return found


def _within(x: Floats, kernel: RowKernel) -> float:
    """The sum of kernel values over all ordered pairs of different rows."""
    return sum(float(values.sum() + values[:, len(values) :].sum()) for _, _, values in _triangle(x, kernel))


def _triangle(x: Floats, kernel: RowKernel) -> Iterator[tuple[slice, slice, Floats]]:
    """Yield blocks of rows, the rows from there on, and their kernel values without the diagonal."""
    for start in range(0, len(x), KERNEL_ROWS):
        rows, later = slice(start, min(start + KERNEL_ROWS, len(x))), slice(start, len(x))
        values = kernel(x[rows], x[later])
        np.fill_diagonal(values, 0.0)
        yield rows, later, values


def polynomial(x: Floats, y: Floats) -> Floats:
    """Return (x·y / D + 1)³ of rows (n, D) and (m, D)."""
    inner = x @ y.T
    inner /= x.shape[1]
    inner += 1
    return inner * inner * inner
