"""Are latents typical of the prior? By their size, their whiteness, and the law of their coordinates.

Every statistic is read against draws of the prior itself, so that a p-value is exact whatever the prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from didlearn.arrays import Array, Floats, Ints
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

NAMES = ("size", "whiteness", "law", "mean")
_LAGS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
_QUANTILES = 15  # at which the law of the coordinates is compared
_EXPECTED = np.arange(1, _QUANTILES + 1) / (_QUANTILES + 1)
_NUMBERS = 2 * 10**8  # drawn at most for the replicates
_MOST, _FEWEST = 499, 99  # replicates
_AT_ONCE = 2**18  # numbers of replicates looked at together: what stays in a processor's cache
_PRIOR_DRAWS = 512


@dataclass(frozen=True, eq=False)
class PriorLaw:
    """What latents of a prior look like: learned from draws of it.

    Attributes:
        model: whose prior. shape: of a latent, with its last two axes as those of an image.
        mean, spread: of single coordinates. edges: quantiles of them.
    """

    model: LatentModel
    rng: Stream
    mean: float
    spread: float
    edges: Floats

    @classmethod
    def learn(cls, model: LatentModel, rng: Stream) -> PriorLaw:
        """Draw from the prior."""
        z = model.sample_prior(_PRIOR_DRAWS, rng.child("law")).double().numpy()
        edges = np.quantile(z, np.linspace(0, 1, _QUANTILES + 2)[1:-1])
        return cls(model, rng, float(z.mean()), float(z.std()), edges)

    def statistics(self, z: Array) -> Floats:
        """Return (n, 3) of latents (n, *shape): mean square, Ljung and Box's Q, and the largest shift of a quantile.

        Q = Σ over lags of (Σ uᵢ uⱼ)² / pairs, of coordinates u less the prior's mean and over their own spread:
        correlations of neighbours, whatever the size. The shift is max |F_n − F| at quantiles of the prior.
        """
        return self._read((np.asarray(z, dtype=np.float64) - self.mean) / self.spread)[0]

    def _read(self, u: Floats) -> tuple[Floats, Ints]:
        """Return the statistics (n, 3) of standardised latents (n, *shape), and the counts that their laws are of."""
        flat = u.reshape(len(u), -1)
        size, counts = np.square(flat).mean(axis=1), self._counts(flat)
        law = np.abs(counts / flat.shape[1] - _EXPECTED).max(axis=1)
        return np.stack([size, _ljung_box(u) / np.maximum(size, 1e-12) ** 2, law], axis=1), counts

    def _counts(self, flat: Floats) -> Ints:
        """Return how many of a row's coordinates (n, d) lie up to each quantile of the prior's, (n, quantiles)."""
        first = np.full(flat.shape, _QUANTILES, np.uint8)  # the first quantile that is no smaller
        for edge in (self.edges - self.mean) / self.spread:  # few: faster than to look each coordinate up
            first -= (flat <= edge).view(np.uint8)
        bins = _QUANTILES + 1
        places = first + bins * np.arange(len(flat))[:, None]
        return np.bincount(places.ravel(), minlength=bins * len(flat)).reshape(-1, bins).cumsum(axis=1)[:, :-1]

    @cached_property
    def single(self) -> tuple[Floats, Floats]:
        """Medians and spreads (3,) of the statistics of single draws."""
        low, middle, high = np.quantile(self.statistics(self._draws("single")), (0.16, 0.5, 0.84), axis=0)
        return middle, np.maximum((high - low) / 2, 1e-12)

    @cached_property
    def limit(self) -> float:
        """The score that 95 % of draws of the prior do not exceed."""
        return float(np.quantile(self.scores(self._draws("limit")), 0.95))

    def _draws(self, name: str) -> Floats:
        return self._drawn(_PRIOR_DRAWS, self.rng.child(name))

    def _drawn(self, count: int, rng: Stream) -> Floats:
        drawn: Floats = self.model.sample_prior(count, rng).double().numpy()
        return drawn

    def scores(self, z: Array) -> Floats:
        """Return how far off each latent is, (n,): the largest of its statistics' distances, in spreads of the prior.

        Too large and too small a size are both far off; of the others large ones alone are.
        """
        middle, spread = self.single
        off = (self.statistics(z) - middle) / spread
        off[:, 0] = np.abs(off[:, 0])
        found: Floats = off.max(axis=1)
        return found

    def pvalue(self, z: Array, rng: Stream) -> tuple[float, dict[str, float]]:
        """Return the p-value that latents (n, *shape) are independent draws of the prior, and one for each statistic.

        Of the group's mean size (two-sided) and whiteness, the law of all its coordinates, and the squared length of
        its mean, each is ranked among groups of as many draws; the least rank is ranked among theirs: exact (Dwass
        1957), also together.
        """
        count, d = len(z), int(np.prod(z.shape[1:]))
        replicates = int(np.clip(_NUMBERS // (count * d), _FEWEST, _MOST))
        at_once = max(1, _AT_ONCE // (count * d))
        drawn = [
            self._groups(
                np.stack([self._drawn(count, rng.child("group", i)) for i in range(replicates)[at:][:at_once]])
            )
            for at in range(0, replicates, at_once)
        ]
        values = np.concatenate([self._groups(np.asarray(z, dtype=np.float64)[None]), *drawn])
        values[:, 0] = np.abs(values[:, 0] - np.median(values[:, 0]))
        beyond = np.stack([_ranks(column) for column in values.T], axis=1)
        least = beyond.min(axis=1)
        each = dict(zip(NAMES, beyond[0].tolist(), strict=True))
        return float((least <= least[0]).mean()), each

    def _groups(self, z: Floats) -> Floats:
        """Return the four statistics (B, 4) of groups of latents (B, n, *shape)."""
        u, groups = (z - self.mean) / self.spread, z.shape[:2]
        single, counts = self._read(u.reshape(-1, *z.shape[2:]))
        size, white, _ = single.reshape(*groups, 3).mean(axis=1).T
        shares = counts.reshape(*groups, -1).sum(axis=1) / (u.size / len(u))
        law = np.abs(shares - _EXPECTED).max(axis=1)
        return np.stack([size, white, law, np.square(u.reshape(*groups, -1).mean(axis=1)).sum(axis=1)], axis=1)


def neighbour_correlation(z: Array) -> Floats:
    """Return the correlation (n,) of neighbouring coordinates of each latent: 0 of white ones."""
    u = np.asarray(z, dtype=np.float64)
    pairs, total = np.zeros(len(u)), np.zeros(len(u))
    for lag in ((0, 1), (1, 0)):
        a, b = _shifted(u, lag)
        pairs, total = pairs + (a * b).sum(axis=1), total + (np.square(a) + np.square(b)).sum(axis=1) / 2
    found: Floats = pairs / np.maximum(total, 1e-12)
    return found


def _ranks(values: Floats) -> Floats:
    """Return for each of (B,) values the share that is no smaller."""
    ordered = np.sort(values)
    return (len(values) - np.searchsorted(ordered, values, side="left")) / len(values)


def _ljung_box(u: Floats) -> Floats:
    total = np.zeros(len(u))
    for lag in _LAGS:
        a, b = _shifted(u, lag)
        if a.shape[1]:
            total += np.square((a * b).sum(axis=1)) / a.shape[1]
    return total


def _shifted(u: Floats, lag: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return pairs of coordinates (n, pairs) that lie a lag apart; a latent that is no image is one line."""
    n = len(u)
    grid = u if u.ndim > 2 else u.reshape(n, 1, -1)
    down, right = lag
    height, width = grid.shape[-2:]
    if down >= height or abs(right) >= width:
        empty = np.zeros((n, 0))
        return empty, empty
    left = grid[..., : height - down, max(0, -right) : width - max(0, right)]
    other = grid[..., down:, max(0, right) : width - max(0, -right)]
    return left.reshape(n, -1), other.reshape(n, -1)
