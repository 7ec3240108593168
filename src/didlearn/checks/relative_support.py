"""How much of the data's spread the samples use, each with its own distance to real images (papers: relative support).

Half of the held-out images, which the generator has not seen, set the distances; the other half stand in the samples'
place as a control, so that the first half's own luck cancels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from didlearn.arrays import Array, Floats
from didlearn.neighbors import nearest
from didlearn.neighbors.balls import count_in_balls, count_in_own
from didlearn.result.values import Estimate
from didlearn.statistics.relative_support import NearPairs, NearReal, near_pairs, ratio_of

FEWEST_HELD_OUT = 40
_NEIGHBOR = 1  # the smallest balls there are: larger ones reach across the borders of classes
_MOST = 5_000  # samples: pairs grow with their square


class RelativeSupport(NamedTuple):
    """What was counted: pairs among samples and among held-out images, and samples around held-out images."""

    own: NearPairs
    control: NearPairs
    around: NearReal

    def share(self, level: float) -> Estimate:
        """Return the share of the data's spread that the samples use: held-out images' λ over theirs, 1 if perfect."""
        method = f"held-out images' near pairs over the samples', by the nearest of {self._reference} real ones"
        found = ratio_of(self.control.estimate(level), self.own.estimate(level), method)
        return found.model_copy(update={"unit": "fraction"})

    def estimates(self, level: float) -> dict[str, Estimate]:
        """Return all of it by name."""
        found = {
            "relative_support": self.share(level),
            "near_pairs": self.own.estimate(level),
            "near_pairs_heldout": self.control.estimate(level),
            "mass_near_real": self.around.mass(level),
        }
        share = self.around.effective_share(level)
        return found if share is None else found | {"spread_near_real": share}

    @property
    def _reference(self) -> int:
        return round(_NEIGHBOR / self.own.null) - 1


def relative_support(features: Array, heldout: Array, rng: np.random.Generator, device: str) -> RelativeSupport | None:
    """Count near pairs, or return ``None`` where too few images are held out.

    Args:
        features: (n, D) of the samples. heldout: (m, D) of images that the generator has not seen.
        rng: of the halves. device: where distances are computed.
    """
    if len(heldout) < FEWEST_HELD_OUT:
        return None
    order = rng.permutation(len(heldout))
    reference, control = (heldout[np.sort(half)] for half in (order[: len(order) // 2], order[len(order) // 2 :]))
    samples = features[:_MOST]
    reach = _reach(control, reference, device)
    inside = count_in_balls(control, reach, samples, device=device).of_centre
    return RelativeSupport(
        _pairs(samples, _reach(samples, reference, device), len(reference), device),
        _pairs(control, reach, len(reference), device),
        NearReal(inside, len(samples), _NEIGHBOR / (len(reference) + 1)),
    )


def _reach(images: Array, reference: Array, device: str) -> Floats:
    """The distance of each image to its neighbour among real ones, (n,)."""
    return nearest(images, reference, k=_NEIGHBOR, device=device).distance[:, -1]


def _pairs(images: Array, reach: Floats, reference: int, device: str) -> NearPairs:
    counts = count_in_own(images, reach, device=device)
    return near_pairs(counts.of_centre, counts.of_point, reference, _NEIGHBOR)
