"""When is a generated image a copy of a training image? The criterion, calibrated on held-out images.

An independent image too has a nearest training image. The threshold is the distance below which the share
``false_copies`` of independent held-out images would lie, read off the fitted lower tail of their distances, or the
distance that takes in 95 % of mildly changed training images where that is smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.sameness import same_picture
from didlearn.result.values import Estimate, exactly
from didlearn.result.words import percent
from didlearn.statistics.threshold import LowerTail, fit_lower_tail

_SENSITIVITY_QUANTILE = 0.95


@dataclass(frozen=True)
class CopyCriterion:
    """At ``threshold`` or below, an image is a copy of its nearest training image; ``because`` says what decided.

    At ``certain`` or below it is nearer to it than the mildest change leaves a picture to itself: blur cannot do that.
    """

    certain: float
    threshold: float
    because: str
    independent: int

    def estimate(self, level: float) -> Estimate:
        """Return the threshold as an estimate (chosen, so without width)."""
        return exactly(self.threshold, level, self.independent, f"calibrated: {self.because}", "distance")


def calibrate_copies(
    heldout: Floats, perturbed: dict[str, Floats], false_copies: float, threshold: float | None
) -> CopyCriterion:
    """Choose the threshold.

    Args:
        heldout: (m,) distances of held-out images to their nearest training image.
        perturbed: distances of training images to their perturbations, by kind.
        false_copies: share of independent images that may be called copies.
        threshold: use this one instead.
    """
    distances = np.sort(heldout)
    certain = same_picture(perturbed)
    apart = distances[distances > certain]
    if 2 * len(apart) < len(distances):
        apart = distances[distances > 0]
    tail = fit_lower_tail(apart, len(apart))
    words = f"{percent(false_copies)} of independent held-out images lie closer to a training image"
    return CopyCriterion(certain, *choose(tail, false_copies, perturbed, words, threshold), independent=len(apart))


def choose(
    tail: LowerTail | None, rate: float, perturbed: dict[str, Floats], words: str, given: float | None
) -> tuple[float, str]:
    """Choose a threshold, and say which curve decided.

    Args:
        tail: of distances between independent images. rate: the share of them it may accept. words: that rate.
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
