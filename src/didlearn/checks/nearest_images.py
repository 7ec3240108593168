"""The nearest images of a data set that may not fit in memory, in an embedding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from didlearn.arrays import Array
from didlearn.images.base import Images
from didlearn.neighbors import Neighbors, nearest

_CHUNK_BYTES = 2**28


def nearest_images(
    images: Images,
    query: Array,
    embed: Callable[[Images], Array],
    *,
    exclude: Array | None = None,
    device: str = "cpu",
) -> Neighbors:
    """Find the nearest image of ``images`` to each query, reading the set once, a chunk at a time.

    Args:
        images: the set searched. query: (n, D) features. embed: maps images to (m, D).
        exclude: (n,) index in the set that does not count for each query, or ``None``.
        device: where distances are computed.

    Returns:
        distance (n,) and index (n,); of several at the same distance, the first. An infinite distance and index -1
        where every image is excluded.
    """
    size = max(1024, _CHUNK_BYTES // (4 * query.shape[1]))
    distance, index = np.full(len(query), np.inf), np.full(len(query), -1)
    for start in range(0, len(images), size):
        stop = min(start + size, len(images))
        inside = None
        if exclude is not None:
            inside = np.where((exclude >= start) & (exclude < stop), exclude - start, -1)
            if stop - start == 1 and (inside == 0).any():
                continue
        found = nearest(query, embed(images.subset(range(start, stop))), exclude=inside, device=device)
        closer = found.distance[:, 0] < distance
        distance[closer], index[closer] = found.distance[closer, 0], found.index[closer, 0] + start
    return Neighbors(distance, index)
