"""The pairs that are listed: the closest ones, and the training images nearest to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from didlearn.arrays import Array
from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.nearest_images import nearest_images
from didlearn.images.base import Images
from didlearn.neighbors import Neighbors, Pairs, closest_pairs

LOOKED_THROUGH: Final = 10  # pairs for each that is listed


class Candidate(NamedTuple):
    """Two samples, their distance, and whether the criterion calls them duplicates."""

    first: int
    second: int
    distance: float
    duplicate: bool


class Listed(NamedTuple):
    """The pairs that are listed.

    Attributes:
        closest: of all. apart: at most one from each cluster of duplicates while there are others, for one heavy atom
            fills the first list with the same picture; the same list where duplicates chain, so that a cluster is no
            picture.
    """

    closest: list[Candidate]
    apart: list[Candidate]


def listed_pairs(
    features: Array, counts: Counts, threshold: float, k: int, device: str, close: Pairs | None = None
) -> Listed:
    """Return the ``k`` closest pairs, exactly, and ``k`` of different pictures; both ascending.

    Args:
        features: (n, D) of the samples. counts: their duplicates within ``threshold``. device: of the distances.
        close: the closest pairs, ``LOOKED_THROUGH`` · k of them or more, where they are known.
    """
    pairs = closest_pairs(features, k=LOOKED_THROUGH * k, device=device) if close is None else close
    near = [
        Candidate(int(i), int(j), float(d), bool(d <= threshold))
        for d, i, j in zip(*(part[: LOOKED_THROUGH * k] for part in pairs), strict=True)
    ]
    return Listed(near[:k], _apart(near, features, counts, k) if counts.transitive else near[:k])


def _apart(close: list[Candidate], features: Array, counts: Counts, k: int) -> list[Candidate]:
    chosen: dict[tuple[int, int], Candidate] = {}
    clusters: set[int] = set()
    for pair in (*_duplicates_first(close), *_one_per_cluster(features, counts), *close):
        cluster = int(counts.component[pair.first])
        repeated = pair.duplicate and cluster in clusters and len(clusters) < min(k, len(counts.cluster_sizes))
        if len(chosen) < k and not repeated:
            chosen.setdefault((pair.first, pair.second), pair)
            clusters.add(cluster)
    return sorted(chosen.values(), key=lambda pair: (pair.distance, pair.first, pair.second))


def _duplicates_first(close: list[Candidate]) -> Iterator[Candidate]:
    seen: set[int] = set()
    for pair in close:
        if pair.duplicate and pair.first not in seen:
            seen |= {pair.first, pair.second}
            yield pair


def _one_per_cluster(features: Array, counts: Counts) -> Iterator[Candidate]:
    """A pair from each cluster, so that clusters whose pairs are not among the very closest are shown too."""
    seen: set[int] = set()
    for i in np.flatnonzero(counts.following < counts.samples):
        cluster, j = int(counts.component[i]), int(counts.following[i])
        if cluster not in seen:
            seen.add(cluster)
            gap = features[i].astype(np.float64) - features[j]
            yield Candidate(int(i), j, float(np.sqrt(gap @ gap)), True)


def nearest_training(
    pairs: list[Candidate], features: Array, train: Images, embed: Callable[[Images], Array], device: str
) -> Neighbors:
    """Find the nearest training image of both samples of each pair: distance and index (2·pairs,), pair by pair."""
    ends = np.array([(pair.first, pair.second) for pair in pairs], dtype=np.int64).ravel()
    return nearest_images(train, features[ends], embed, device=device)
