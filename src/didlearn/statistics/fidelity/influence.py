"""What each image contributes to a score of two samples: its error, and that of a difference of two scores, follow."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import stats

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import check_level

_FAR = 200.0  # of a logarithm: an interval so wide says nothing, and its ends stay numbers


class Influences(NamedTuple):
    """A score of two independent samples and how far each image pulls it (sums of zero).

    Attributes:
        value: the score.
        real: (n,) and generated: (m,) n (or m) times the derivative by the image's weight: the score's error is about
            Σ real / n + Σ generated / m over what the samples happen to hold. ``real`` is empty where the real images'
            moments were given as they are.
    """

    value: float
    real: Floats
    generated: Floats

    def estimate(self, level: float, method: str) -> Estimate:
        """Return the score with the interval value ± z √(Σ real² / n² + Σ generated² / m²).

        It is an interval for the score's mean at these numbers of images, its bias included.

        Raises:
            UsageError: ``level`` is not within (0, 1).
        """
        return _within(self.value, (self.real, self.generated), level, method)

    def paired(self, level: float, method: str) -> Estimate:
        """Return the score, above 0, where generated image i was made from real image i: their pulls belong together.

        The interval is value · exp(± z √(Σ (real + generated)² / n²) / value), which stays above 0.

        Raises:
            UsageError: ``level`` is not within (0, 1), or the samples are no pairs.
        """
        check_level(level)
        n = len(self.generated)
        if len(self.real) != n:
            raise UsageError(f"{len(self.real)} real images and {n} generated ones are no pairs; give as many of each")
        pull = self.real + self.generated
        error = math.sqrt(float(pull @ pull)) / n
        factor = math.exp(min(float(stats.norm.ppf((1 + level) / 2)) * error / max(self.value, 1e-300), _FAR))
        low, high = self.value / factor, self.value * factor
        return Estimate(value=self.value, low=low, high=high, level=level, n=n, method=method)

    def less(self, null: Influences, level: float, method: str) -> Estimate:
        """Return this score less another of the same real images and of others in place of the generated ones.

        Raises:
            UsageError: ``level`` is not within (0, 1).
        """
        pulls = (self.real - null.real, self.generated, null.generated)
        return _within(self.value - null.value, pulls, level, method)


class LogInfluence(NamedTuple):
    """A score of one sample, its logarithm, and how far each row pulls that, (n,): a sum of zero."""

    value: float
    log: float
    pull: Floats


def _within(value: float, pulls: tuple[Floats, ...], level: float, method: str) -> Estimate:
    check_level(level)
    error = math.sqrt(sum(float(pull @ pull) / len(pull) ** 2 for pull in pulls if len(pull)))
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    n = sum(len(pull) for pull in pulls)
    return Estimate(value=value, low=value - half, high=value + half, level=level, n=n, method=method)
