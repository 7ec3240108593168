"""The criterion for "duplicate", calibrated: how close is closer than independent images ever come?

The number of pairs of independent images within distance t falls, in its lower tail, like a power, count(t) ∝ t^ν
(ν is the correlation dimension of the set at that scale; Grassberger & Procaccia 1983). Two order statistics far
enough out fix the line; read backwards it gives the distance at which a wanted number of false duplicates is
expected. A handful of real near-duplicates at the very front (two photographs of one sitting) moves neither order
statistic, whereas the closest pair, the obvious choice, *is* such an outlier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Floats
from didlearn.errors import DataError

FAR, _NEAR = 200, 20
_FEWEST = 30


@dataclass(frozen=True)
class LowerTail:
    """count(t) = count · (t / distance)^exponent, per ``trials`` independent distances.

    Attributes:
        distance: the order statistic the line is anchored at. count: its rank. exponent: ν. trials: how many
            distances the smallest were taken from (pairs, or images with a nearest neighbour).
    """

    distance: float
    count: int
    exponent: float
    trials: int

    def rate_at(self, distance: float) -> float:
        """Return the expected share of independent distances at or below ``distance`` (extrapolated)."""
        if self.distance == 0:
            return self.count / self.trials
        return min(1.0, self.count * (distance / self.distance) ** self.exponent / self.trials)

    def distance_at(self, rate: float) -> float:
        """Return the distance below which the share ``rate`` of independent distances lies (extrapolated)."""
        return float(self.distance * (rate * self.trials / self.count) ** (1 / self.exponent))


def fit_lower_tail(smallest: Floats, trials: int) -> LowerTail | None:
    """Fit the lower tail of independent distances from their smallest values.

    Args:
        smallest: the smallest distances, ascending, at least ``_FEWEST`` of them; pictures known to be the same
            must have been removed.
        trials: how many distances they are the smallest of.

    Returns:
        The tail, or ``None`` when there are too few distances to say anything.

    Raises:
        DataError: the distances are not ascending.
    """
    if np.any(np.diff(smallest) < 0):
        raise DataError("distances for the tail must be ascending; sort them first")
    far = min(FAR, len(smallest), max(_FEWEST, trials // 10))
    if far < _FEWEST or len(smallest) < _FEWEST:
        return None
    near = max(3, far * _NEAR // FAR)
    d_near, d_far = float(smallest[near - 1]), float(smallest[far - 1])
    if d_near <= 0 or d_far <= d_near:
        return None
    return LowerTail(d_far, far, float(np.log(far / near) / np.log(d_far / d_near)), trials)
