"""Single images that carry far more mass than the rest: a noise pattern made for 5 % of the latents, say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from didlearn.arrays import Ints
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.collisions import Collisions, collision_interval
from didlearn.statistics.birthday.fingerprint import fingerprint, sizes_of
from didlearn.statistics.intervals import check_level, clopper_pearson, proportion

_FACTOR: Final = 10.0


class Atom(NamedTuple):
    """One heavy image: how often it was drawn, and its probability."""

    size: int
    mass: Estimate


def heavy_atoms(cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95) -> list[Atom]:
    """List the clusters that are atoms, heaviest first.

    For each size n, from the smallest up, the *rest* is every cluster smaller than n. It would be as diverse as
    N = 1/s₂ equally likely images (the interval's low end, so a rest without collisions excuses little). Size n, and
    with it every larger one, is an atom when

    - N·P(Poisson(M/N) ≥ n) < 1 − level, M and N taken of the rest: not one of N such images would be drawn so often
      by chance (Bonferroni over the images); and
    - the Clopper–Pearson low end of n/samples exceeds ten times the mass 1/N of such an image: the common
      half of a law with half its mass on a tenth of the images is no atom.

    An image whose mass is surely above one half is an atom whatever the rest.

    Raises:
        UsageError: the sizes cannot come from so many samples, or the level makes no sense.
    """
    check_level(level)
    counts = fingerprint(cluster_sizes, samples)
    sizes = [int(n) for n in np.flatnonzero(counts) if n >= 2]
    first = next((n for n in sizes if _stands_out(n, counts, samples, level)), None)
    heavy = [n for n in reversed(sizes) if first is not None and n >= first]
    return [Atom(n, proportion(n, samples, level)) for n in heavy for _ in range(int(counts[n]))]


def without_atoms(cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95) -> tuple[Ints, int]:
    """Return the cluster sizes and the number of samples that remain when the heavy atoms' draws are taken out.

    Raises:
        UsageError: the sizes cannot come from so many samples, or the level makes no sense.
    """
    taken = [atom.size for atom in heavy_atoms(cluster_sizes, samples, level)]
    sizes = sizes_of(fingerprint(cluster_sizes, samples))
    kept = sizes[sizes < min(taken)] if taken else sizes
    return kept, samples - sum(taken)


def _stands_out(n: int, counts: Ints, samples: int, level: float) -> bool:
    lightest, _ = clopper_pearson(n, samples, level)
    if lightest > 0.5:
        return True
    rest = Collisions.from_clusters(sizes_of(counts[:n]), int((counts * np.arange(len(counts)))[:n].sum()))
    if rest.samples < 2:
        return False
    _, s2 = collision_interval(rest.pairs, rest.triples, rest.samples, level)
    share = rest.samples / samples
    by_chance = float(stats.poisson.sf(n - 1, rest.samples * s2)) / s2
    return by_chance < 1 - level and lightest > _FACTOR * s2 * share
