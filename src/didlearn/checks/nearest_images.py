"""The nearest images of a data set that may not fit in memory, in an embedding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from didlearn.arrays import Array, Ints
from didlearn.images.base import Images
from didlearn.neighbors import Neighbors, nearest

_CHUNK_BYTES, _SMALLEST_CHUNK, _FLOAT_BYTES = 2**28, 1024, 4


def nearest_images(
    images: Images,
    query: Array,
    embed: Callable[[Images], Array],
    *,
    exclude: Ints | None = None,
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
    size = max(_SMALLEST_CHUNK, _CHUNK_BYTES // (_FLOAT_BYTES * query.shape[1]))
    banned = np.full(len(query), -1) if exclude is None else exclude
    distance, index = np.full(len(query), np.inf), np.full(len(query), -1)
    for start in range(0, len(images), size):
        chunk = range(start, min(start + size, len(images)))
        inside = np.where((banned >= chunk.start) & (banned < chunk.stop), banned - start, -1)
        # A single image has nothing for the queries that it does not count for.
        asking = slice(None) if len(chunk) > 1 else inside < 0
        found = nearest(query[asking], embed(images.subset(chunk)), exclude=inside[asking], device=device)
        closer = found.distance[:, 0] < distance[asking]
        distance[asking] = np.where(closer, found.distance[:, 0], distance[asking])
        index[asking] = np.where(closer, found.index[:, 0] + start, index[asking])
    return Neighbors(distance, index)
