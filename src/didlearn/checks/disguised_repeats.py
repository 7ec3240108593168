"""One picture in several disguises is one picture: clusters of duplicates that line up with one another are joined.

Distances miss a picture and its mirror image, or a thin stroke and the same moved by a pixel. Clusters of duplicates by
distance are represented by one picture each, and joined where their pictures line up (``alignment``) as well as a real
image does with its own mirror image, move by a pixel, and JPEG. Joined clusters count as pictures only where random
pairs within them are no farther apart than two such steps: else likeness would chain from picture to picture.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from didlearn.alignment.originals import SMALLEST_SIDE
from didlearn.alignment.planes import Planes, grey_planes
from didlearn.alignment.repeats import find_repeats, pair_misfits
from didlearn.arrays import Bytes, Ints
from didlearn.checks.duplicate_counts import Counts
from didlearn.images.disguises import compressed, mirrored, moved

_SENSITIVITY = 0.99
_MOST = 0.008  # of misfit: what leaves more is likeness
_TRIED, _TRANSITIVE, _FEW = 300, 0.9, 2_000
_TWO_STEPS = 4  # times the misfit of one: it grows with the square of the distance


def misfit_of_the_same(pictures: Bytes, rng: np.random.Generator) -> float | None:
    """Return the misfit that 99 % of pictures have with their own mild changes, by the kind that leaves most.

    Args:
        pictures: (n, C, H, W) uint8 real images, a few hundred.

    Returns:
        ``None`` where the pictures are too small to be lined up; never more than ``_MOST``.
    """
    if min(pictures.shape[2:]) < SMALLEST_SIDE:
        return None
    count = np.arange(len(pictures))
    reach = []
    for change in (mirrored, moved(1, 1), compressed(75)):
        both = grey_planes(np.concatenate([pictures, change(pictures, rng)]))
        reach.append(float(np.quantile(pair_misfits(both, count + len(pictures), count), _SENSITIVITY)))
    return min(max(reach), _MOST)


def join_disguised(
    counts: Counts, planes: Planes, limit: float, rng: np.random.Generator, *, threads: int = 1
) -> Counts | None:
    """Join clusters of duplicates whose pictures line up with a misfit of at most ``limit``.

    Args:
        counts: duplicates by distance among n pictures. planes: (n, S, S) of them.

    Returns:
        the same ``counts`` where nothing is to be joined; ``None`` where clusters are no pictures, before or after
        joining, so that pairs in disguise cannot be counted.
    """
    alone = np.flatnonzero(counts.component == np.arange(counts.samples))
    if not counts.transitive:
        return None
    if len(alone) < 2:
        return counts
    chosen = planes.some(alone)
    # Likeness that chains among a few pictures chains among more of them: the whole need not be looked through.
    for some in (chosen.some(slice(_FEW)), chosen) if len(chosen) > _FEW else (chosen,):
        group = _joined_groups(some, limit, threads)
        if group is None:
            continue
        first, second = _random_pairs(group, rng)
        if np.mean(pair_misfits(some, first, second, threads=threads) <= _TWO_STEPS * limit) < _TRANSITIVE:
            return None
    if group is None:
        return counts
    return counted(_smallest(group, alone)[np.searchsorted(alone, counts.component)])


def _joined_groups(planes: Planes, limit: float, threads: int) -> Ints | None:
    """Return which group of pictures that line up each belongs to, ``None`` where no two line up."""
    found, count = find_repeats(planes, limit, threads=threads), len(planes)
    if not len(found.first):
        return None
    graph = coo_matrix((np.ones(len(found.first)), (found.first, found.second)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _random_pairs(group: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw pairs of members of one group, as often from each as it has pairs."""
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    pairs = sizes * (sizes - 1) / 2
    start = np.cumsum(sizes) - sizes
    which = rng.choice(len(sizes), size=_TRIED, p=pairs / pairs.sum())
    first = rng.integers(sizes[which])
    second = (first + 1 + rng.integers(sizes[which] - 1)) % sizes[which]
    return order[start[which] + first], order[start[which] + second]


def _smallest(group: Ints, rows: Ints) -> Ints:
    """Return for each row the smallest row of its group."""
    smallest = np.full(group.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, group, rows)
    return smallest[group]


def counted(component: Ints) -> Counts:
    """Count pairs where everything within a cluster is one picture.

    Args:
        component: (n,) the smallest row of each row's cluster.
    """
    samples = len(component)
    sizes = np.bincount(component, minlength=samples)
    degree = sizes[component] - 1
    order = np.lexsort((np.arange(samples), component))
    following = np.full(samples, samples)
    together = component[order[:-1]] == component[order[1:]]
    following[order[:-1][together]] = order[1:][together]
    return Counts(
        samples=samples,
        pairs=int(degree.sum() // 2),
        triples=int((degree * (degree - 1)).sum()),
        degree=degree,
        following=following,
        component=component,
        cluster_sizes=np.sort(sizes[sizes >= 2])[::-1],
    )
