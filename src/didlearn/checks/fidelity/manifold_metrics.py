"""Precision, recall, density and coverage: real and generated images as unions of balls around their own samples.

A ball around an image reaches to its k-th nearest *other* image of the same set. Precision and recall: Kynkäänniemi et
al. 2019; density and coverage: Naeem et al. 2020. Peers disagree whether the rim counts; here it does (≤), so that an
exact copy of a real image lies within the real images whatever the radius.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from didlearn.arrays import Features, Floats
from didlearn.errors import UsageError
from didlearn.neighbors import nearest
from didlearn.neighbors.balls import BallCounts, count_in_balls, count_in_both
from didlearn.neighbors.screening.rows import Rows, as_rows
from didlearn.statistics.fidelity.features import as_given


class PrecisionRecall(NamedTuple):
    """Share of generated images within the balls of real ones, and of real within the balls of generated ones."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Balls of real images that hold a generated image, over k, on average; share of them that hold any."""

    density: float
    coverage: float


class ManifoldMetrics(NamedTuple):
    """All four."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall(*, real: Any, generated: Any, k: int = 3) -> PrecisionRecall:
    """Return precision and recall with balls to the k-th nearest neighbour.

    Both depend on how many images there are: compare at equal numbers.

    Args:
        real: (n, D) features of real images. generated: (m, D) features of generated images.
        k: neighbours, below n and m; 3 in the paper.

    Raises:
        DataError: features that cannot be used, or different widths. UsageError: ``k`` is not within 1..min(n, m) − 1.
    """
    left, right = as_given(real, generated)
    _check_neighbors(k, left, right)
    hit, met = _both(left, right, k)
    return PrecisionRecall(float((hit.of_point > 0).mean()), float((met.of_point > 0).mean()))


def density_coverage(*, real: Any, generated: Any, k: int = 5) -> DensityCoverage:
    """Return density and coverage with balls around real images to their k-th nearest neighbour.

    Density may exceed 1; of the real law it is 1 on average, and coverage tends to 1 − 2⁻ᵏ at equal numbers.

    Args:
        real: (n, D) features of real images. generated: (m, D) features of generated images.
        k: neighbours, below n; 5 in the paper.

    Raises:
        DataError: features that cannot be used, or different widths. UsageError: ``k`` is not within 1..n − 1.
    """
    left, right = as_given(real, generated, 1)
    _check_neighbors(k, left)
    first, second = as_rows(left, right)
    hit = count_in_balls(*_balls(first, k), second)
    return DensityCoverage(float(hit.of_point.sum() / (k * len(right))), float((hit.of_centre > 0).mean()))


def manifold_metrics(*, real: Any, generated: Any, k: int) -> ManifoldMetrics:
    """Return all four with the same ``k``, looking once.

    Raises:
        DataError: features that cannot be used, or different widths. UsageError: ``k`` is not within 1..min(n, m) − 1.
    """
    left, right = as_given(real, generated)
    _check_neighbors(k, left, right)
    hit, met = _both(left, right, k)
    return ManifoldMetrics(
        float((hit.of_point > 0).mean()),
        float((met.of_point > 0).mean()),
        float(hit.of_point.sum() / (k * len(right))),
        float((hit.of_centre > 0).mean()),
    )


def _check_neighbors(k: int, *sets: Features) -> None:
    """Refuse a number of neighbours that a set does not have.

    Raises:
        UsageError: ``k`` is below 1, or a set has no more than ``k`` rows.
    """
    fewest = min(len(rows) for rows in sets)
    if not 1 <= k < fewest:
        raise UsageError(f"k is {k}; with {fewest} images it must lie between 1 and {fewest - 1}")


def _both(real: Features, generated: Features, k: int) -> tuple[BallCounts, ...]:
    first, second = as_rows(real, generated)
    return count_in_both(_balls(first, k), _balls(second, k))


def _balls(centres: Rows, k: int) -> tuple[Rows, Floats]:
    return centres, nearest(centres, centres, k, exclude=np.arange(len(centres))).distance[:, -1]
