"""When are two images the same picture, and when do they look alike? Distances that the real data alone decide.

- *The same picture*: what mild changes of a real image amount to (``images.perturb``), as far as independent real
  images hardly ever come that close. A kind of change whose copies lie farther off than one in a million pairs of real
  images (a shift of thin strokes, say) tells nothing by distance, and is left out.
- *Look-alikes*: the distances within which one in a million, in a hundred thousand and in ten thousand pairs of
  independent real images lie. Where the real set is too small to hold so many, the power law of its lower tail stands
  in (``statistics.threshold``), and where it is too small for that the distance is left out.

Neither depends on the generator or on how many samples it is asked for: what is counted within them is a property of
the generator. Real pictures that are one picture twice (closer than a mildly changed copy) are first reduced to one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Array, Floats
from didlearn.images.perturb import PERTURBATIONS
from didlearn.neighbors import closest_pairs, near_duplicates
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import clopper_pearson, proportion
from didlearn.statistics.threshold import FAR, LowerTail, fit_lower_tail

Embed = Callable[[Array], Array]
Change = Callable[[Array], Array]
PERTURBED = 400  # real images whose mild changes are looked at
LOOKALIKES = {"1e6": 1e-6, "1e5": 1e-5, "1e4": 1e-4}  # shares of pairs of independent real images
_SENSITIVITY_QUANTILE = 0.95
_RANK, _LEAST_RANK = 400, 20  # order statistics a look-alike distance is read from; fewer are the tail's to tell


@dataclass(frozen=True)
class Criterion:
    """Within ``threshold`` two images are the same picture.

    Attributes:
        threshold: Euclidean distance in the embedding. because: how it was chosen, as a clause.
        lookalikes: the larger distances that the shares ``LOOKALIKES`` of real pairs lie within, by name, ascending.
        perturbed: distances of real images to their perturbations, by kind, each (n,) ascending.
        tail: the lower tail of distances between independent real images, or ``None``.
        distinct: how many different real pictures the tail was fitted on.
        real: smallest distances between those pictures, ascending.
        given: whether the threshold was chosen by the user.
    """

    threshold: float
    because: str
    lookalikes: dict[str, float]
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
    pixels: Array,
    features: Array,
    real_features: Array | None,
    embed: Embed,
    *,
    changes: Mapping[str, Change] = PERTURBATIONS,
    threshold: float | None = None,
    device: str = "cpu",
) -> Criterion:
    """Choose the distances.

    Args:
        pixels: (m, C, H, W) uint8 images to perturb (a few hundred: real ones where there are any).
        features: (m, D) their features.
        real_features: (r, D) features of independent real images, in random order, or ``None``.
        embed: maps uint8 images to features.
        changes: what mild ones are.
        threshold: use this one instead for the same picture, and only measure how often it is wrong.
        device: where distances are computed.
    """
    perturbed = perturbed_distances(pixels, features, embed, changes)
    chosen = _one_of_each(real_features, same_picture(perturbed), device)
    real = closest_pairs(chosen, k=5 * FAR, device=device).distance if len(chosen) > 1 else np.empty(0)
    tail = fit_lower_tail(real, len(chosen) * (len(chosen) - 1) // 2)
    lookalikes = lookalike_distances(chosen, tail, device)
    same, because = (threshold, "it was given") if threshold is not None else same_distance(perturbed, lookalikes)
    wider = {name: distance for name, distance in lookalikes.items() if distance > same}
    return Criterion(same, because, wider, perturbed, tail, len(chosen), real, threshold is not None)


def perturbed_distances(
    pixels: Array, features: Array, embed: Embed, changes: Mapping[str, Change] = PERTURBATIONS
) -> dict[str, Floats]:
    """Return the distances (m,), ascending, of images to their mild perturbations, by kind.

    Args:
        pixels: (m, C, H, W) uint8, or points. features: (m, D) theirs. embed: images to features.
        changes: what mild ones are.
    """
    return {
        kind: np.sort(np.linalg.norm(embed(change(pixels)).astype(np.float64) - features, axis=1))
        for kind, change in changes.items()
    }


def same_picture(perturbed: dict[str, Floats]) -> float:
    """Return the median distance of the mildest perturbation: closer images are one picture for certain."""
    return min(float(np.median(d)) for d in perturbed.values())


def same_distance(perturbed: dict[str, Floats], lookalikes: dict[str, float]) -> tuple[float, str]:
    """Return the distance within which two images are the same picture, and how it was chosen.

    It takes in 95 % of the copies by each kind of change that tells copies from look-alikes: whose 95 % lie nearer than
    the closest look-alikes do. Where no kind does, or no look-alikes are known, only what is certain counts.
    """
    reach = {kind: float(np.quantile(d, _SENSITIVITY_QUANTILE)) for kind, d in perturbed.items()}
    closest = min(lookalikes.values(), default=None)
    told = {kind: distance for kind, distance in reach.items() if closest is not None and distance <= closest}
    if told:
        widest = max(told, key=lambda kind: told[kind])
        return told[widest], f"95 % of copies changed mildly ({widest}) lie closer to their original"
    certain = same_picture(perturbed)
    if closest is not None and closest < certain:
        return closest, "one in a million pairs of independent real images, no more, lies closer"
    return certain, "half of the mildest changes lie closer to their original"


def lookalike_distances(real: Array, tail: LowerTail | None, device: str) -> dict[str, float]:
    """Return the distances within which the shares ``LOOKALIKES`` of pairs of real images lie, by name, ascending.

    Args:
        real: (r, D) different real pictures, in random order. tail: of their smallest distances.
    """
    found: dict[str, float] = {}
    for name, share in LOOKALIKES.items():
        count = min(len(real), math.ceil(math.sqrt(2 * _RANK / share)))
        rank = math.ceil(share * count * (count - 1) / 2)
        if rank >= _LEAST_RANK:
            found[name] = float(closest_pairs(real[:count], k=rank, device=device).distance[-1])
        elif tail is not None:
            found[name] = tail.distance_at(share)
    return {name: distance for name, distance in found.items() if distance > 0}


def _one_of_each(features: Array | None, same: float, device: str) -> Array:
    """Keep one of each picture; where that would leave less than half, distances that small mean nothing here."""
    if features is None:
        return np.empty((0, 1))
    for radius in (same, 0.0):
        component = near_duplicates(features, radius, device=device).component
        keep = component == np.arange(len(features))
        if 2 * keep.sum() >= len(features):
            break
    return features[keep]
