"""Which pairs of samples a person is asked about: a random sample of two strata of the closest pairs.

The first stratum holds the pairs that the criterion calls duplicates, the second as many of the next closest (and never
fewer than a sheet holds). Both are looked at in full where they are small, and by a random sample whose share of the
stratum is known where they are not: a generator that repeats itself has far more close pairs than anyone can judge.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from didlearn.arrays import Array, Floats, Ints
from didlearn.checks.duplicate_counts import Counts
from didlearn.neighbors import Pairs, closest_pairs, degrees_within

MOST_ASKED: Final = 60
_INNER: Final = 40
_LISTED_PAIRS: Final = 1000  # duplicates up to which the two strata are listed pair by pair
MOST_LISTED: Final = 2 * _LISTED_PAIRS  # pairs that the strata take at most then
_ANCHORS: Final = 64
_OTHERS: Final = 1 << 14  # images that those are compared with
_AT_ONCE: Final = 1 << 22  # distances held at once
_NARROWEST: Final = 1.05
_ROWS_AT_ONCE: Final = 1024
_DRAWS_PER_PAIR: Final = 50  # per pair wanted: 20 of 20 pairs are met in 150 draws on average


class Asked(NamedTuple):
    """The pairs to judge.

    Attributes:
        first, second: (n,) sample numbers. distance: (n,) theirs.
        stratum: (n,) 0 or 1. links: (n,) other close partners of either picture, dᵢ + dⱼ − 2.
        sizes: (2,) pairs in each stratum.
    """

    first: Ints
    second: Ints
    distance: Floats
    stratum: Ints
    links: Ints
    sizes: Ints


def listed_for(counts: Counts) -> int:
    """Return how many of the closest pairs the strata take; 0 where they are too many to be listed pair by pair."""
    return max(MOST_ASKED, 2 * counts.pairs) if counts.pairs <= _LISTED_PAIRS else 0


def ask(
    features: Array,
    counts: Counts,
    threshold: float,
    rng: np.random.Generator,
    device: str,
    close: Pairs | None = None,
) -> Asked:
    """Choose at most ``MOST_ASKED`` pairs.

    Args:
        features: (M, D) of the samples. counts: their duplicates within ``threshold``.
        rng: of the choice. device: of the distances.
        close: the closest pairs, ``listed_for(counts)`` of them or more, where they are known.
    """
    if listed_for(counts):
        pairs = closest_pairs(features, k=listed_for(counts), device=device) if close is None else close
        return _from_list(pairs, counts, rng)
    radius, degree = _ring(features, counts, threshold, rng, device)
    sizes = np.array([counts.pairs, int(degree.sum()) // 2])
    shown = _shown(sizes)
    inner = _sample(features, counts.degree, (-1.0, threshold), shown[0], rng)
    outer = _sample(features, degree, (threshold, radius), shown[1], rng)
    first, second, distance = (np.concatenate(parts) for parts in zip(inner, outer, strict=True))
    stratum = np.repeat([0, 1], [len(inner[0]), len(outer[0])])
    degrees = np.stack([counts.degree, counts.degree + degree])
    links = degrees[stratum, first] + degrees[stratum, second] - 2
    return Asked(first, second, distance, stratum, links, sizes)


def _shown(sizes: Ints) -> tuple[int, int]:
    inner = min(int(sizes[0]), _INNER)
    return inner, min(int(sizes[1]), MOST_ASKED - inner)


def _from_list(close: Pairs, counts: Counts, rng: np.random.Generator) -> Asked:
    first = slice(listed_for(counts))
    pairs = Pairs(close.distance[first], close.first[first], close.second[first])
    inside = np.arange(len(pairs.distance)) < counts.pairs
    sizes = np.array([inside.sum(), (~inside).sum()])
    degree = np.bincount(np.concatenate([pairs.first, pairs.second]), minlength=counts.samples)
    chosen = np.concatenate(
        [
            np.sort(rng.permutation(np.flatnonzero(side))[:shown])
            for side, shown in zip((inside, ~inside), _shown(sizes), strict=True)
        ]
    )
    first, second, stratum = pairs.first[chosen], pairs.second[chosen], (~inside[chosen]).astype(np.int64)
    degrees = np.stack([counts.degree, degree])
    links = degrees[stratum, first] + degrees[stratum, second] - 2
    return Asked(first, second, pairs.distance[chosen], stratum, links, sizes)


def _ring(
    features: Array, counts: Counts, threshold: float, rng: np.random.Generator, device: str
) -> tuple[float, Ints]:
    """Widen the threshold until about twice as many pairs are within; return the radius and the new pairs by image.

    Only the radius is a guess (from the distances of ``_ANCHORS`` images to all others); the pairs are counted.
    """
    order = rng.permutation(counts.samples)
    anchors, others = order[:_ANCHORS], np.sort(order[:_OTHERS])
    apart = _distances(features[others], features[anchors])[anchors[:, None] != others]
    share = 2 * counts.pairs / (counts.samples * (counts.samples - 1) / 2)
    radius = max(_NARROWEST * threshold, float(np.quantile(apart, min(share, 1.0))))
    return radius, degrees_within(features, [radius], device=device)[0] - counts.degree


def _sample(
    features: Array, degree: Ints, ring: tuple[float, float], count: int, rng: np.random.Generator
) -> tuple[Ints, Ints, Floats]:
    """Draw (up to) ``count`` different pairs at a distance in ``(ring[0], ring[1]]``, all equally likely."""
    found: dict[tuple[int, int], float] = {}
    ends = np.cumsum(degree)
    step = max(1, min(count, _AT_ONCE // len(features)))
    # A pair on the very edge may be counted and not met again: after so many draws it is left out.
    for _ in range(-(-_DRAWS_PER_PAIR * count // step)):
        drawn = np.searchsorted(ends, rng.integers(ends[-1], size=step), side="right")
        for i, distance in zip(drawn.tolist(), _distances(features, features[drawn]), strict=True):
            partners = np.flatnonzero((distance > ring[0]) & (distance <= ring[1]) & (np.arange(len(distance)) != i))
            if len(partners) and len(found) < count:
                j = int(rng.choice(partners))
                found.setdefault((min(i, j), max(i, j)), float(distance[j]))
        if len(found) == count:
            break
    first, second = np.array(list(found), dtype=np.int64).reshape(-1, 2).T
    return first, second, np.array(list(found.values()))


def _distances(features: Array, anchors: Array) -> Floats:
    """Return the distances of some anchors (k, D) to all features (n, D), (k, n).

    By a product of matrices: they may be off by a hundred-millionth of the rows' length, which moves pairs on an edge.
    """
    from sklearn.metrics.pairwise import euclidean_distances  # half a second to load, and lists of pairs need it not

    rows, found = anchors.astype(np.float64), np.empty((len(anchors), len(features)))
    for start in range(0, len(features), _ROWS_AT_ONCE):
        block = features[start : start + _ROWS_AT_ONCE].astype(np.float64)
        middle = block.mean(axis=0)
        found[:, start : start + len(block)] = euclidean_distances(rows - middle, block - middle)
    return found
