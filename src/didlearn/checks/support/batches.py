"""The birthday-paradox procedure as published: batches of ``s`` images, and how many hold a duplicate pair.

Half of the sample (the pilot) chooses sizes around the one at which a batch has an even chance; the other half,
cut in disjoint batches of those sizes, is tested. Choosing and testing on the same images would favour sizes that
happened to collide. Theorem 2′ (papers: the corrected form of Arora et al. 2018, Theorem 2) turns the collision
rate into an upper bound on the effective support, whatever the law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Ints
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.batch_fit import fit_effective_support
from didlearn.statistics.birthday.paradox import batch_support_bound, collision_rate_uniform
from didlearn.statistics.intervals import proportion

_SPREAD = (0.7, 1.0, 1.4)


@dataclass(frozen=True)
class Batches:
    """``collided`` of ``batches`` disjoint batches of ``size`` images held at least one duplicate pair."""

    size: int
    batches: int
    collided: int

    def rate(self, level: float) -> Estimate:
        """Return the collision rate with its Clopper-Pearson interval."""
        return proportion(self.collided, self.batches, level)

    def bound(self, level: float) -> Estimate:
        """Return the upper bound on the effective support that holds whatever the generator's law."""
        return batch_support_bound(self.size, self.batches, self.collided, level)


def cut(following: Ints, size: int) -> Batches:
    """Cut consecutive images into batches of ``size`` and count those that hold a duplicate pair.

    Args:
        following: (n,) index of the next duplicate of each image, n or more where there is none.
        size: images per batch; a shorter last batch is left out.
    """
    batches = len(following) // size
    used = following[: batches * size]
    own = np.arange(len(used)) // size
    return Batches(size, batches, len(np.unique(own[used < (own + 1) * size])))


def procedure(following: Ints) -> list[Batches]:
    """Run the published procedure: sizes from the first half of the sample, counts from the second."""
    half = len(following) // 2
    size = _pilot_size(following[:half])
    part = (len(following) - half) // len(_SPREAD)
    runs = []
    for i, factor in enumerate(_SPREAD):
        start = half + i * part
        runs.append(cut(following[start : start + part] - start, int(np.clip(round(size * factor), 2, part))))
    return runs


def _pilot_size(following: Ints) -> int:
    """Smallest size of a doubling-by-√2 grid at which half of the pilot's batches collide, or the largest tried."""
    largest = max(2, len(following) // 6)
    sizes = np.unique(np.geomspace(2, largest, 40).round().astype(int))
    for size in sizes:
        run = cut(following, int(size))
        if run.collided >= run.batches / 2:
            return int(size)
    return int(largest)


def fitted_support(runs: list[Batches], level: float) -> Estimate:
    """Fit one effective support to all runs: γ(s) = 1 − ∏(1 − i/β), by maximum likelihood."""
    columns = np.array([(run.size, run.batches, run.collided) for run in runs]).T
    return fit_effective_support(columns[0], columns[1], columns[2], level)


def batch_estimates(runs: list[Batches], level: float) -> dict[str, Estimate]:
    """Return the support fitted to the runs, and the batch size at which its curve reaches one half."""
    fitted = fitted_support(runs, level)
    estimates = {"batch_effective_support": fitted}
    if fitted.value is not None:
        ends = [None if end is None else even_chance_size(end) for end in (fitted.low, fitted.high)]
        estimates["even_chance_batch_size"] = Estimate(
            value=even_chance_size(fitted.value),
            low=ends[0],
            high=ends[1],
            level=level,
            n=fitted.n,
            method="size at which the fitted birthday curve reaches 50 %",
            unit="images",
        )
    return estimates


def even_chance_size(support: float) -> float:
    """Return the smallest batch in which a uniform law on ``support`` pictures collides at least half of the time."""
    low, high = 2.0, 2.0 + 2.0 * np.sqrt(support)
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (low, middle) if collision_rate_uniform(support, round(middle)) >= 0.5 else (middle, high)
    return float(round(high))


def sweep(following: Ints) -> list[Batches]:
    """Collision counts over a range of batch sizes, each from the whole sample (for the curve, not for the bound)."""
    sizes = np.unique(np.geomspace(5, max(6, len(following) // 10), 14).round().astype(int))
    return [cut(following, int(size)) for size in sizes]
