"""The calibrated criterion: below which distance are two images called duplicates, and how often is that wrong?

Two curves decide (papers: Arora et al. 2018 leave it to a person; see docs/checks/support.md):

- how close independent real images come (``statistics.threshold``): the distance at which ``false_pairs`` false
  duplicates are expected among as many pairs as the generator's sample holds;
- how far a picture lies from its own mild perturbations: going beyond the distance that takes in 95 % of them
  recognises nothing more.

The threshold is the smaller of the two. Real pictures that are themselves one picture twice (closer than a
perturbed copy is to its original) are first reduced to one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Array, Bytes, Floats
from didlearn.images.perturb import PERTURBATIONS
from didlearn.neighbors import closest_pairs, near_duplicates
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import clopper_pearson, proportion
from didlearn.statistics.threshold import FAR, LowerTail, fit_lower_tail

Embed = Callable[[Bytes], Array]
PERTURBED = 400  # real images whose mild changes are looked at
_SENSITIVITY_QUANTILE = 0.95


@dataclass(frozen=True)
class Criterion:
    """Below ``threshold`` two images are duplicates.

    Attributes:
        threshold: Euclidean distance in the embedding. lookalike: the larger distance at which the real images
            have about ``FAR`` pairs of their own, or ``None`` without real images.
        because: which curve decided, as a clause.
        perturbed: distances of real images to their perturbations, by kind, each (n,) ascending.
        tail: the lower tail of distances between independent real images, or ``None``.
        distinct: how many different real pictures the tail was fitted on.
        real: smallest distances between those pictures, ascending.
        given: whether the threshold was chosen by the user.
    """

    threshold: float
    lookalike: float | None
    because: str
    perturbed: dict[str, Floats]
    tail: LowerTail | None
    distinct: int
    real: Floats
    given: bool

    def false_duplicate_rate(self, level: float) -> Estimate | None:
        """Return the share of pairs of independent real images within the threshold: fitted, with counts behind it."""
        if self.tail is None:
            return None
        seen = int(np.searchsorted(self.real, self.threshold, side="right"))
        low, high = clopper_pearson(seen, self.tail.trials, level)
        value = self.tail.rate_at(self.threshold)
        return Estimate(
            value=value,
            low=min(low, value),
            high=max(high, value),
            level=level,
            n=self.distinct,
            method=f"power law of the closest real pairs; Clopper-Pearson on {seen} seen",
            unit="fraction",
        )

    def sensitivity(self, level: float) -> dict[str, Estimate]:
        """Return, per kind of perturbation, the share of perturbed copies the criterion recognises."""
        return {kind: proportion(int((d <= self.threshold).sum()), len(d), level) for kind, d in self.perturbed.items()}


def calibrate_duplicates(
    pixels: Bytes,
    features: Array,
    real_features: Array | None,
    embed: Embed,
    *,
    samples: int,
    false_pairs: float,
    threshold: float | None = None,
    device: str = "cpu",
) -> Criterion:
    """Choose the threshold for a sample of ``samples`` images.

    Args:
        pixels: (m, C, H, W) uint8 images to perturb (a few hundred: real ones where there are any).
        features: (m, D) their features.
        real_features: (r, D) features of independent real images, or ``None``.
        embed: maps uint8 images to features.
        samples: how many images the generator's sample holds.
        false_pairs: expected number of false duplicate pairs among them.
        threshold: use this one instead, and only measure how often it is wrong.
        device: where distances are computed.
    """
    perturbed = perturbed_distances(pixels, features, embed)
    real, distinct = _closest_real(real_features, same_picture(perturbed), device)
    tail = fit_lower_tail(real, distinct * (distinct - 1) // 2)
    rate = false_pairs / max(1.0, samples * (samples - 1) / 2)
    words = f"closer pairs of independent real images are expected {false_pairs:g} times among as many pairs"
    chosen, because = choose(tail, rate, perturbed, words, threshold)
    lookalike = None if tail is None else tail.distance
    return Criterion(chosen, lookalike, because, perturbed, tail, distinct, real, threshold is not None)


def perturbed_distances(pixels: Bytes, features: Array, embed: Embed) -> dict[str, Floats]:
    """Return the distances (m,), ascending, of images to their mild perturbations, by kind.

    Args:
        pixels: (m, C, H, W) uint8. features: (m, D) theirs. embed: images to features.
    """
    return {
        kind: np.sort(np.linalg.norm(embed(change(pixels)).astype(np.float64) - features, axis=1))
        for kind, change in PERTURBATIONS.items()
    }


def same_picture(perturbed: dict[str, Floats]) -> float:
    """Return the median distance of the mildest perturbation: closer images are one picture for certain."""
    return min(float(np.median(d)) for d in perturbed.values())


def choose(
    tail: LowerTail | None, rate: float, perturbed: dict[str, Floats], words: str, given: float | None
) -> tuple[float, str]:
    """Choose a threshold, and say which curve decided.

    Args:
        tail: of distances between independent real images. rate: the share of them it may accept. words: that rate.
        perturbed: distances to perturbations, by kind. given: a threshold that overrules both.
    """
    if given is not None:
        return given, "it was given"
    if tail is None:
        mild = "there are too few real images to calibrate on, and it is the distance of a mildly changed copy"
        return same_picture(perturbed), mild
    by_false = tail.distance_at(rate)
    by_sensitivity = max(float(np.quantile(d, _SENSITIVITY_QUANTILE)) for d in perturbed.values())
    if by_false <= by_sensitivity:
        return by_false, words
    return by_sensitivity, "95 % of mildly changed copies lie closer to their original"


def _closest_real(features: Array | None, same: float, device: str) -> tuple[Floats, int]:
    """Return the smallest distances between different real pictures, ascending, and how many pictures they are of."""
    if features is None or len(features) < 3:
        return np.empty(0), 0
    chosen = _one_of_each(features, same, device)
    return closest_pairs(chosen, k=5 * FAR, device=device).distance, len(chosen)


def _one_of_each(features: Array, same: float, device: str) -> Array:
    """Keep one of each picture; where that would leave less than half, distances that small mean nothing here."""
    for radius in (same, 0.0):
        component = near_duplicates(features, radius, device=device).component
        keep = component == np.arange(len(features))
        if 2 * keep.sum() >= len(features):
            break
    return features[keep]
