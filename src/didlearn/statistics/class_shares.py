"""Which share of the generated images each class has, from a classifier that errs.

A classifier's own shares mix the classes up. With C the confusion matrix, C_ij = P(called i | class j), found on real
images of known class, the shares called are q = C π, and π = C⁻¹ q are the true ones (Lipton, Wang & Smola 2018: black
box shift estimation). A perfect generator's π are the data's whatever the classifier; one that errs widens them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from didlearn.arrays import Floats, Ints
from didlearn.result.values import Estimate

_WORST = 1e3  # condition of a confusion matrix that still tells classes apart


class ClassShares(NamedTuple):
    """Shares of each class over the data's own.

    Attributes:
        ratio: (k,) a class's share of generated images over its share of the data: 1 if perfect. error: (k,) theirs.
        images: generated images that were called.
    """

    ratio: Floats
    error: Floats
    images: int

    def estimate(self, label: int, level: float) -> Estimate:
        """Return one class's ratio with its normal interval; no share is below 0."""
        value, half = float(self.ratio[label]), float(stats.norm.ppf((1 + level) / 2) * self.error[label])
        value = max(0.0, value)
        low, high = max(0.0, float(self.ratio[label]) - half), max(0.0, float(self.ratio[label]) + half)
        method = "share of the class, corrected for the classifier's errors, over its share of the data"
        return Estimate(
            value=value, low=min(low, value), high=high, level=level, n=self.images, method=method, unit="ratio"
        )


def class_shares(called: Ints, real_called: Ints, real_class: Ints, counts: Ints) -> ClassShares | None:
    """Correct the shares called, with their error by the delta method.

    Args:
        called: (n,) the class that each generated image is called.
        real_called, real_class: (m,) the class that each real image is called, and its own.
        counts: (k,) images of each class in the data.

    Returns:
        The shares, or ``None`` where the classifier does not tell the classes apart.
    """
    k = len(counts)
    known = np.bincount(real_class, minlength=k)
    if k < 2 or (known == 0).any() or (counts == 0).any():
        return None
    confusion = np.zeros((k, k))
    np.add.at(confusion, (real_called, real_class), 1.0)
    confusion /= known
    if not np.linalg.cond(confusion) < _WORST:
        return None
    inverse = np.linalg.inv(confusion)
    q = np.bincount(called, minlength=k) / len(called)
    shares = inverse @ q
    spread = _multinomial(q) / len(called)
    for j in range(k):
        spread += shares[j] ** 2 * _multinomial(confusion[:, j]) / known[j]
    data = counts / counts.sum()
    variance = np.diag(inverse @ spread @ inverse.T) + shares**2 * (1 - data) / (data * counts.sum())
    return ClassShares(shares / data, np.sqrt(np.maximum(variance, 0)) / data, len(called))


def _multinomial(p: Floats) -> Floats:
    """The covariance of one draw."""
    return np.diag(p) - np.outer(p, p)
