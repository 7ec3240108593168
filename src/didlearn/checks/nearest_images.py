"""The nearest images of a data set that may not fit in memory, in an embedding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from didlearn.arrays import Array, Ints
from didlearn.images.base import Images
from didlearn.neighbors import Neighbors, nearest

_CHUNK_BYTES, _SMALLEST_CHUNK = 2**28, 1024


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
    size, count = images_at_once(query.shape[1]), len(images)
    banned = np.full(len(query), count) if exclude is None else exclude
    distance, index = np.full(len(query), np.inf), np.full(len(query), -1)
    for start in range(0, count, size):
        chunk = range(start, min(start + size, count))
        inside = np.where((banned >= chunk.start) & (banned < chunk.stop), banned - start, -1)
        # A single image has nothing for the queries that it does not count for.
        asking = slice(None) if len(chunk) > 1 else inside < 0
        found = nearest(query[asking], embed(images.subset(chunk)), exclude=inside[asking], device=device)
        near, place = found.distance.squeeze(1), found.index.squeeze(1) + start
        closer = near < distance[asking]
        distance[asking] = np.where(closer, near, distance[asking])
        index[asking] = np.where(closer, place, index[asking])
    return Neighbors(distance, index)


def images_at_once(width: int) -> int:
    """Return how many images are embedded at once where their features hold ``width`` numbers of 4 bytes."""
    return max(_SMALLEST_CHUNK, _CHUNK_BYTES // (4 * width))
