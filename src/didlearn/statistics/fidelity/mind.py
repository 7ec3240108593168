"""MIND, the Monge Inception Distance (Berthet et al. 2026): a sliced Wasserstein distance of features.

MIND = 3 D · 1/L Σ_l W₂²(⟨x, u_l⟩, ⟨y, u_l⟩),   u_1 … u_L uniform on the sphere in D dimensions

W₂² on a line couples quantiles: the squared differences of the two sorted samples. The factor 3 D makes up for what a
direction sees of D, so that the number is of the size of a FID. Everything of the laws counts, not two moments; of
finite samples it is biased upwards, as the Fréchet distance is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from didlearn.arrays import ArrayOrTensor, Floats, Ints
from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.rng import generator
from didlearn.statistics.fidelity.features import as_pair
from didlearn.statistics.fidelity.influence import Influences

DIRECTIONS = 1000
_FACTOR = 3.0
_BLOCK = 64  # directions at once


class Mind(NamedTuple):
    """MIND with each image's influence, and the distance along each direction, (L,), that it is the mean of."""

    influences: Influences
    along: Floats

    def estimate(self, level: float, method: str) -> Estimate:
        """Return it with an interval that holds the images' error and that of the directions.

        Raises:
            UsageError: ``level`` is not within (0, 1).
        """
        found = self.influences.estimate(level, method)
        images = found.high_or(math.inf) - found.point
        directions = Influences(0.0, self.along - self.along.mean(), np.empty(0)).estimate(level, method)
        half = math.hypot(images, directions.high_or(math.inf))
        return found.model_copy(update={"low": found.point - half, "high": found.point + half})


def mind(*, real: ArrayOrTensor, generated: ArrayOrTensor, directions: int = DIRECTIONS, seed: int = 0) -> float:
    """Return MIND of two samples of features; with Inception features it is the paper's.

    Exact along each direction, for unequal numbers of images too. Compare it at equal numbers only.

    Args:
        real: (n, D) features of real images. generated: (m, D) features of generated images.
        directions: how many; 1000 in the paper. seed: of their draw.

    Raises:
        DataError: features that cannot be used, fewer than two rows, or different widths.
        UsageError: ``directions`` is below 1.
    """
    rng = generator(seed, "mind")
    left, right = as_pair(real, generated)
    pairs = _couple(len(left), len(right))
    along = [_along(left @ u.T, right @ u.T, pairs)[0] for u in _directions(directions, left.shape[1], rng)]
    return float(_FACTOR * left.shape[1] * np.concatenate(along).mean())


def mind_influence(
    *, real: ArrayOrTensor, generated: ArrayOrTensor, rng: np.random.Generator, directions: int = DIRECTIONS
) -> Mind:
    """Return MIND with each image's influence: the mean over directions of its Kantorovich potential.

    With φ(x_i) + ψ(y_j) = (x_i − y_j)² wherever the coupling moves mass, φ(x_i) is the derivative of W₂² by the weight
    of x_i. Along the coupling's steps it rises by (x' − x)(x' + x − y − y'), which is half way between the potentials
    where a step moves both.

    Args:
        real: (n, D). generated: (m, D). rng: draws the directions. directions: how many.

    Raises:
        DataError: as ``mind``. UsageError: ``directions`` is below 1.
    """
    left, right = as_pair(real, generated)
    pairs = _couple(len(left), len(right))
    along, own, other = list[Floats](), np.zeros(len(left)), np.zeros(len(right))
    for u in _directions(directions, left.shape[1], rng):
        distance, mine, theirs = _along(left @ u.T, right @ u.T, pairs)
        along.append(distance)
        own += mine
        other += theirs
    scale = _FACTOR * left.shape[1]
    values = scale * np.concatenate(along)
    own, other = (scale * (pull - pull.mean()) / directions for pull in (own, other))
    return Mind(Influences(float(values.mean()), own, other), values)


class _Coupling(NamedTuple):
    """Which sorted rows of two samples share mass, (K,) each, and how much."""

    first: Ints
    second: Ints
    mass: Floats


def _couple(n: int, m: int) -> _Coupling:
    """Return the coupling of quantiles: n masses of 1/n against m of 1/m, cut where either ends."""
    ends = np.union1d(np.arange(1, n + 1, dtype=np.int64) * m, np.arange(1, m + 1, dtype=np.int64) * n)
    return _Coupling((ends - 1) // m, (ends - 1) // n, np.diff(ends, prepend=0) / (n * m))


def _directions(count: int, width: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield blocks of directions (L, D) of length 1."""
    if count < 1:
        raise UsageError(f"directions is {count}; MIND takes 1 at least")
    for start in range(0, count, _BLOCK):
        u = rng.standard_normal((min(_BLOCK, count - start), width))
        yield u / np.linalg.norm(u, axis=1, keepdims=True)


def _along(real: Floats, generated: Floats, pairs: _Coupling) -> tuple[Floats, Floats, Floats]:
    """Return W₂² along each direction, (L,), and the sums over directions of each row's potential, (n,) and (m,).

    Args:
        real: (n, L) projections. generated: (m, L). pairs: of sorted rows.
    """
    orders = [np.argsort(rows, axis=0) for rows in (real, generated)]
    x = np.take_along_axis(real, orders[0], axis=0)[pairs.first]
    y = np.take_along_axis(generated, orders[1], axis=0)[pairs.second]
    distance = pairs.mass @ np.square(x - y)
    inner = x[1:] + x[:-1] - y[1:] - y[:-1]
    own = _potential(np.diff(x, axis=0) * inner, pairs.first, orders[0])
    other = _potential(np.diff(y, axis=0) * -inner, pairs.second, orders[1])
    return distance, own, other


def _potential(rises: Floats, rows: Ints, order: Ints) -> Floats:
    """Sum over directions (K − 1, L) what a potential has risen to at each row, (n,)."""
    risen = np.concatenate([np.zeros((1, rises.shape[1])), np.cumsum(rises, axis=0)])
    at = risen[np.searchsorted(rows, np.arange(len(order)))]
    at -= at.mean(axis=0)
    found = np.empty_like(at)
    np.put_along_axis(found, order, at, axis=0)
    total: Floats = found.sum(axis=1)
    return total
