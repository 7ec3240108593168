"""The fingerprint of a sample: how many images were seen once, twice, three times, and so on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from didlearn.arrays import Ints
from didlearn.errors import UsageError


def fingerprint(cluster_sizes: Sequence[int] | Ints, samples: int) -> Ints:
    """Return F, where F[i] is the number of clusters of i duplicates among ``samples`` draws.

    Args:
        cluster_sizes: the sizes of the duplicate clusters, each at least 1. Draws in no cluster are singletons; they
            may be left out or listed as ones.
        samples: how many images were drawn.

    Returns:
        (largest size + 1,) integers, F[0] = 0 and Σ i·F[i] = samples.

    Raises:
        UsageError: the sizes are not whole numbers of at least 1, or add up to more than ``samples``.
    """
    sizes = np.asarray(cluster_sizes)
    if samples < 0:
        raise UsageError(f"the number of samples cannot be negative, got {samples}")
    if sizes.ndim != 1:
        raise UsageError(f"cluster sizes must be one list of whole numbers, got an array of shape {sizes.shape}")
    whole = sizes.astype(np.int64) if sizes.size and np.isfinite(sizes).all() else np.zeros(sizes.size, np.int64)
    if sizes.size and (not np.array_equal(whole, sizes) or whole.min() < 1):
        raise UsageError(f"cluster sizes must be whole numbers of at least 1, got {sizes[:5].tolist()}...")
    listed = int(whole.sum())
    if listed > samples:
        raise UsageError(
            f"the clusters hold {listed} images but only {samples} were drawn; every image belongs to one cluster"
        )
    counts = np.bincount(whole, minlength=2)
    counts[1] += samples - listed
    return counts


def sizes_of(counts: Ints) -> Ints:
    """Return the cluster sizes, singletons included, that have the fingerprint ``counts``."""
    return np.repeat(np.arange(len(counts)), counts)
