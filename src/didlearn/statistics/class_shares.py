"""Which share of the generated images each class has, from a classifier that errs.

A classifier's own shares mix the classes up. With C the confusion matrix, C_ij = P(called i | class j), found on real
images of known class, the shares called are q = C π, and π = C⁻¹ q are the true ones (Lipton, Wang & Smola 2018: black
box shift estimation). A perfect generator's π are the data's whatever the classifier; one that errs widens them.

An interval holds the shares that the calls do not contradict: its ends have the error of the end itself and not of
the value (Wilson's interval where the classifier does not err), so a rare class of which none came is not shown to be
missing.
"""

from __future__ import annotations

import math
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
        data: (k,) each class's share of the data. images: generated images that were called. known: images of the data.
    """

    ratio: Floats
    error: Floats
    data: Floats
    images: int
    known: int

    def estimate(self, label: int, level: float) -> Estimate:
        """Return one class's ratio with its interval; no share is below 0."""
        low, high = self._ends(label, float(stats.norm.ppf((1 + level) / 2)))
        method = "share of the class, less the classifier's errors, over its share of the data; score interval"
        return Estimate(
            value=max(0.0, float(self.ratio[label])), low=low, high=high, level=level, n=self.images, method=method,
            unit="ratio",
        )  # fmt: skip

    def _ends(self, label: int, z: float) -> tuple[float, float | None]:
        """Solve (r̂ − r)² = z² V(r): V is the variance at r̂ and what the drawn and the data's share add on the way."""
        found, data = max(0.0, float(self.ratio[label])), float(self.data[label])
        own, known = z * z / self.images, z * z * (1 - data) / (data * self.known)
        at = min(found, 1 / data)
        fixed = z * z * float(self.error[label]) ** 2 - own * at / data + (own - known) * at**2
        square, linear, constant = 1 + own - known, found + own / data / 2, found**2 - fixed
        if square <= 0:  # so few images of the class in the data that its share may be next to nothing
            return 0.0, None
        middle, half = linear / square, math.sqrt(max(0.0, linear**2 - square * constant)) / square
        return min(found, max(0.0, middle - half)), max(found, middle + half)


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
    error = np.sqrt(np.maximum(variance, 0)) / data
    return ClassShares(shares / data, error, data, len(called), int(counts.sum()))


def _multinomial(p: Floats) -> Floats:
    """The covariance of one draw."""
    return np.diag(p) - np.outer(p, p)
