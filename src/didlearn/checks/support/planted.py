"""Pairs of known truth, hidden among those a person is asked about, so that the person's own errors are measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from didlearn.arrays import Array, Bytes, Floats, Ints
from didlearn.images.base import Images
from didlearn.images.perturb import PERTURBATIONS
from didlearn.images.picture import eight_bit
from didlearn.neighbors import closest_pairs

PLANTED: Final = 40
_POOL: Final = 10_000
_CLOSEST: Final = 2_000
_RANDOM: Final = 4_000
_AT_ONCE: Final = 128  # random pairs: what stays in a processor's cache


class Planted(NamedTuple):
    """Pairs of pictures (n, 2, C, H, W) uint8, and their distances (n,)."""

    pictures: Bytes
    distance: Floats


def plant_duplicates(real: Images, embed: Callable[[Bytes], Array], rng: np.random.Generator) -> Planted:
    """Pair random real images with a mildly changed copy of each: shifted, brighter, or compressed."""
    chosen = np.sort(rng.permutation(len(real))[:PLANTED])
    originals = eight_bit(real.read_raw(chosen))
    kinds = rng.integers(len(PERTURBATIONS), size=len(chosen))
    changes = list(PERTURBATIONS.values())
    copies = np.stack([changes[kind](image[None])[0] for kind, image in zip(kinds, originals, strict=True)])
    gap = embed(copies).astype(np.float64) - embed(originals)
    return Planted(np.stack([originals, copies], axis=1), np.linalg.norm(gap, axis=1))


def plant_distinct(
    real: Images, features: Array, targets: Floats, beyond: float, rng: np.random.Generator, device: str
) -> Planted:
    """Pair different real images whose distances match those of the candidates as nearly as real pairs can.

    Args:
        real: real images. features: (r, D) theirs.
        targets: distances of the candidates.
        beyond: pairs no farther apart than this may be one picture twice, and are not used.
        rng: of the choice. device: of the distances.
    """
    kept = np.sort(rng.permutation(len(features))[:_POOL])
    distance, first, second = _real_pairs(features[kept], rng, device)
    apart = distance > beyond
    distance, first, second = distance[apart], kept[first[apart]], kept[second[apart]]
    chosen = _nearest_to(np.quantile(targets, (np.arange(PLANTED) + 0.5) / PLANTED), distance, first, second)
    images = np.stack([eight_bit(real.read_raw(side[chosen])) for side in (first, second)], axis=1)
    return Planted(images, distance[chosen])


def _real_pairs(features: Array, rng: np.random.Generator, device: str) -> tuple[Floats, Ints, Ints]:
    """Return the closest pairs and random ones: (distance, first, second)."""
    close = closest_pairs(features, k=_CLOSEST, device=device)
    i, j = rng.integers(len(features), size=(2, _RANDOM))
    i, j = i[i != j], j[i != j]
    blocks = [slice(at, at + _AT_ONCE) for at in range(0, len(i), _AT_ONCE)]
    gaps = [np.linalg.norm(features[i[some]].astype(np.float64) - features[j[some]], axis=1) for some in blocks]
    return (
        np.concatenate([close.distance, *gaps]),
        np.concatenate([close.first, i]),
        np.concatenate([close.second, j]),
    )


def _nearest_to(targets: Floats, distance: Floats, first: Ints, second: Ints) -> Ints:
    """Return, for each target, the pair nearest to it in distance; no image is used twice."""
    chosen: list[int] = []
    free = np.ones(len(distance), dtype=bool)
    for target in targets:
        if not free.any():
            break
        best = int(np.argmin(np.where(free, np.abs(distance - target), np.inf)))
        chosen.append(best)
        for taken in (first[best], second[best]):
            free &= (first != taken) & (second != taken)
    return np.array(chosen, dtype=np.int64)
