"""Exact closest pairs, nearest neighbours and near-duplicates, in memory bounded by a block.

Every answer is the one that float64 distances ``√Σ(a - b)²`` between all pairs would give. Most pairs never need
one: leading principal components, then float32 matrix products with a rigorous rounding bound, rule them out.
"""

from didlearn.neighbors.closest import Pairs, closest_pairs
from didlearn.neighbors.counting import count_within, degrees_within
from didlearn.neighbors.duplicates import NearDuplicates, near_duplicates
from didlearn.neighbors.nearest import Neighbors, nearest

__all__ = [
    "NearDuplicates",
    "Neighbors",
    "Pairs",
    "closest_pairs",
    "count_within",
    "degrees_within",
    "near_duplicates",
    "nearest",
]
