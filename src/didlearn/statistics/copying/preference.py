"""Do generated images prefer the training set over held-out images?

If the generator learned the distribution and not the set, then which real images were trained on does not matter:
of ``t`` training and ``m`` held-out images the nearest one to a generated image is a training image in t/(t+m) of all
cases, however blurred the generator. Exchanging the labels among the real images gives the null exactly, also
when many generated images crowd around a few real ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from didlearn.arrays import Flags, Floats, Ints
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import beta_ends

_PERMUTATIONS = 1999


class Preference(NamedTuple):
    """Share of generated images nearest to a training image, what it is without copying, and the one-sided p-value."""

    share: Estimate
    expected: float
    pvalue: float


def training_preference(nearest: Ints, trained: Flags, rng: np.random.Generator, level: float = 0.95) -> Preference:
    """Test whether generated images prefer training images over held-out ones.

    Args:
        nearest: (n,) index of the nearest real image of each generated image, in the pool.
        trained: (t+m,) whether each image of the pool was trained on.
        rng: draws the permutations.
        level: confidence level of the share's interval (Clopper-Pearson on the effective number of real images hit).
    """
    hits = np.bincount(nearest, minlength=len(trained)).astype(np.float64)
    hit = np.flatnonzero(hits)
    share = float(hits[trained].sum() / hits.sum())
    null = _null_shares(hits[hit], len(trained), int(trained.sum()), rng)
    pvalue = (1 + int((null >= share - 1e-12).sum())) / (_PERMUTATIONS + 1)
    effective = hits.sum() ** 2 / (hits**2).sum()
    low, high = beta_ends(share * effective, effective, (1 - level) / 2)
    method = f"Clopper-Pearson on {effective:.0f} effective real images; null by exchanging labels"
    estimate = Estimate(value=share, low=low, high=high, level=level, n=len(nearest), method=method, unit="fraction")
    return Preference(estimate, float(trained.mean()), pvalue)


def _null_shares(hits: Floats, pool: int, trained: int, rng: np.random.Generator) -> Floats:
    """Shares under random labels: the ``len(hits)`` images hit get labels without replacement from the pool's."""
    shares = np.empty(_PERMUTATIONS)
    for b in range(_PERMUTATIONS):
        # How many of the images hit are training images is hypergeometric; which ones, a random choice among them.
        count = rng.hypergeometric(trained, pool - trained, len(hits))
        shares[b] = rng.permutation(hits)[:count].sum()
    return shares / hits.sum()
