"""Everything the duplicates among one sample say about how many different images there are."""

from __future__ import annotations

from collections.abc import Sequence

from didlearn.arrays import Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.atoms import without_atoms
from didlearn.statistics.birthday.collisions import Collisions, collision_probability, support_from_collisions
from didlearn.statistics.birthday.coverage import good_turing_coverage
from didlearn.statistics.birthday.fingerprint import fingerprint
from didlearn.statistics.birthday.heterogeneity import heterogeneity
from didlearn.statistics.birthday.unseen import chao1, richness


def estimate_support(cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95) -> dict[str, Estimate]:
    """Estimate how many different images a sampler makes from the duplicates among its draws.

    ``effective_support`` ≤ ``chao1``'s target ≤ ``richness``'s: the first is 1/Σp², which one heavy image
    brings down; the last counts every image, however rare.

    Args:
        cluster_sizes: sizes of the clusters of duplicates, at least 2 each; singletons may be listed as ones.
        samples: how many images were drawn, at least 2. Draws in no cluster are singletons.
        level: the level of every interval.

    Returns:
        ``effective_support``, ``collision_probability`` (Σp²), ``heterogeneity`` (Σp³/(Σp²)²), ``richness`` (Valiant
        and Valiant), ``coverage`` (Good and Turing) and ``chao1``. Where no two draws are alike there is no estimate of
        a support and no upper end (``None``), only a low end.

    Raises:
        UsageError: the sizes cannot come from so many samples, or the level makes no sense.
    """
    if samples < 2:
        raise UsageError(f"a support is estimated from at least two samples, got {samples}")
    # Checks the sizes once, and lets each estimator below trust them.
    fingerprint(cluster_sizes, samples)
    seen = Collisions.from_clusters(cluster_sizes, samples)
    probability = collision_probability(seen.pairs, seen.triples, samples, level)
    support = support_from_collisions(probability)
    return {
        "effective_support": support,
        "collision_probability": probability,
        "heterogeneity": heterogeneity(cluster_sizes, samples, level),
        "richness": _at_least(richness(cluster_sizes, samples, level), support),
        "coverage": good_turing_coverage(cluster_sizes, samples, level),
        "chao1": _at_least(chao1(cluster_sizes, samples, level), support),
    }


def estimate_support_without_atoms(
    cluster_sizes: Sequence[int] | Ints, samples: int, level: float = 0.95
) -> dict[str, Estimate] | None:
    """Estimate the same of the law that remains when the heavy atoms are taken out.

    Returns:
        As ``estimate_support``, or ``None`` where fewer than two draws remain.

    Raises:
        UsageError: the sizes cannot come from so many samples, or the level makes no sense.
    """
    kept, remaining = without_atoms(cluster_sizes, samples, level)
    return estimate_support(kept, remaining, level) if remaining >= 2 else None


def _at_least(count: Estimate, support: Estimate) -> Estimate:
    """Where nothing was seen twice, the number of images is still at least the effective support."""
    if count.value is not None:
        return count
    return count.model_copy(update={"low": max(count.low_or(0.0), support.low_or(0.0))})
