"""What the criterion counts in one sample: pairs, triples and clusters of duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Array, Ints
from didlearn.neighbors import Pairs, degrees_within, near_duplicates
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.collisions import Collisions, collision_probability, effective_support

_TRANSITIVE = 0.9


@dataclass(frozen=True)
class PairCounts:
    """Pairs among ``samples`` images within some distance.

    Attributes:
        samples: number of images. pairs: pairs that are so close.
        triples: Σᵢ dᵢ(dᵢ−1) over the images' numbers dᵢ of others so close: ordered triples that share their middle.
    """

    samples: int
    pairs: int
    triples: int

    @property
    def collisions(self) -> Collisions:
        """The same as the statistics take it."""
        return Collisions(self.pairs, self.triples, self.samples)

    def support(self, level: float) -> Estimate:
        """Return the effective support, 1/Σp²."""
        return effective_support(self.pairs, self.triples, self.samples, level)

    def collision(self, level: float) -> Estimate:
        """Return the collision probability, Σp²."""
        return collision_probability(self.pairs, self.triples, self.samples, level)


@dataclass(frozen=True)
class Counts(PairCounts):
    """Duplicates among ``samples`` images: their pairs, and what these connect.

    Attributes:
        degree: (samples,) dᵢ.
        following: (samples,) the next image that duplicates image i, or ``samples``.
        component: (samples,) cluster of each image: the smallest index in it.
        cluster_sizes: sizes of the clusters of two or more, descending.
    """

    degree: Ints
    following: Ints
    component: Ints
    cluster_sizes: Ints

    @property
    def transitivity(self) -> float | None:
        """Share of pairs within clusters that are duplicates themselves: 1 when "duplicate" is an equivalence."""
        sizes = self.cluster_sizes.astype(np.float64)
        linked = float((sizes * (sizes - 1) / 2).sum())
        return self.pairs / linked if linked else None

    @property
    def transitive(self) -> bool:
        """Whether clusters are pictures: nearly all pairs within them are duplicates themselves."""
        return self.transitivity is None or self.transitivity >= _TRANSITIVE


def count_duplicates(features: Array, threshold: float, *, closest: Pairs | None = None, device: str = "cpu") -> Counts:
    """Count pairs of rows of ``features`` (n, D) within ``threshold`` of one another.

    Args:
        closest: the closest pairs of the rows, where they are known: they may spare a search.
    """
    found = near_duplicates(features, threshold, closest=closest, device=device)
    degree = found.degree.astype(np.int64)
    sizes = np.bincount(found.component)
    return Counts(
        samples=len(features),
        pairs=int(found.pairs),
        triples=int((degree * (degree - 1)).sum()),
        degree=degree,
        following=found.following,
        component=found.component,
        cluster_sizes=np.sort(sizes[sizes >= 2])[::-1],
    )


def count_pairs(features: Array, distances: Sequence[float], *, device: str = "cpu") -> list[PairCounts]:
    """Count pairs of rows of ``features`` (n, D) within each of some ascending distances, in one pass."""
    degrees = degrees_within(features, np.asarray(distances, np.float64), device=device)
    return [PairCounts(len(features), int(d.sum()) // 2, int((d * (d - 1)).sum())) for d in degrees]
