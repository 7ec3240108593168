"""CMMD: the mean discrepancy of a Gaussian kernel (Jayasumana et al. 2024), with CLIP's features.

1000 · MMD²,   k(a, b) = exp(−‖a − b‖² / 2σ²),   σ = 10,   of features of length 1

The paper's code, as its port to torch, divides CLIP's features by their length before, so that ‖a − b‖ is at most 2 and
the kernel is nearly linear: most of the number is the distance of the two means. It also keeps each image's pair with
itself (a biased estimate, the greater the fewer images there are); here these pairs are left out unless asked for.
"""

from __future__ import annotations

import numpy as np

from didlearn.arrays import ArrayOrTensor, Floats
from didlearn.errors import UsageError
from didlearn.statistics.fidelity.features import as_pair
from didlearn.statistics.fidelity.influence import Influences
from didlearn.statistics.fidelity.kernel_distance import RowKernel, kernel_influence, kernel_sums

SIGMA, SCALE = 10.0, 1000.0
_FEWEST = 3


def cmmd(*, real: ArrayOrTensor, generated: ArrayOrTensor, sigma: float = SIGMA, biased: bool = False) -> float:
    """Return 1000 times the squared mean discrepancy of a Gaussian kernel, of features scaled to length 1.

    Exact over all pairs, in float64, in memory of a block of rows. Without bias it may be negative.

    Args:
        real: (n, D) features of real images. generated: (m, D) features of generated images. Rows of zeros stay zeros.
        sigma: the kernel's width; 10 in the paper.
        biased: whether an image's pair with itself counts, as in the paper's code.

    Raises:
        DataError: features that cannot be used, fewer than two rows, or different widths.
        UsageError: ``sigma`` is not above 0.
    """
    kernel = _gaussian(sigma)
    left, right = map(_unit, as_pair(real, generated))
    n, m = len(left), len(right)
    sums = kernel_sums(left, right, kernel)
    if biased:
        own, other = (sums.real + n) / n**2, (sums.generated + m) / m**2
    else:
        own, other = sums.real / (n * (n - 1)), sums.generated / (m * (m - 1))
    return float(SCALE * (own + other - 2 * sums.across / (n * m)))


def cmmd_influence(*, real: ArrayOrTensor, generated: ArrayOrTensor, sigma: float = SIGMA) -> Influences:
    """Return the unbiased CMMD with each image's jackknife influence.

    Raises:
        DataError: as ``cmmd``, or fewer than three rows. UsageError: ``sigma`` is not above 0.
    """
    left, right = map(_unit, as_pair(real, generated, _FEWEST))
    found = kernel_influence(left, right, _gaussian(sigma))
    return Influences(SCALE * found.value, SCALE * found.real, SCALE * found.generated)


def _gaussian(sigma: float) -> RowKernel:
    if not sigma > 0:
        raise UsageError(f"sigma, the width of a Gaussian kernel, is above 0; got {sigma}")

    def kernel(x: Floats, y: Floats) -> Floats:
        square = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1) - 2 * (x @ y.T)
        square /= -2 * sigma**2
        return np.exp(np.minimum(square, 0.0, out=square), out=square)

    return kernel


def _unit(rows: Floats) -> Floats:
    largest = np.abs(rows).max(axis=1, keepdims=True)
    scaled = rows / np.where(largest > 0, largest, 1)  # before squares, which overflow
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: Floats = scaled / np.where(length > 0, length, 1)
    return unit
