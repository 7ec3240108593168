"""How many features a test needs before its silence means anything."""

from __future__ import annotations

from dataclasses import dataclass

from didlearn.errors import UsageError
from didlearn.random_matrix.pivotal import LEAST_DIMENSION, PER_DIMENSION, SHARE


@dataclass(frozen=True)
class SamplesNeeded:
    """LabelledFeatures a test needs in each class, and in all.

    Attributes:
        per_class: samples of each class. total: of all classes together. why: in a few words.
    """

    per_class: int
    total: int
    why: str


def pivotal_samples(dimension: int | None = None, classes: int = 1) -> SamplesNeeded:
    """Return the samples that ``pivotal_test`` needs to compare ``dimension`` dimensions: 5 for each, in each class.

    Without a dimension: the least with which it runs at all, after a random projection to four dimensions.
    """
    d = LEAST_DIMENSION if dimension is None else dimension
    _check(d, classes)
    each = -(-PER_DIMENSION * d * 10 // round(10 * SHARE))
    return SamplesNeeded(each, each * classes, f"{PER_DIMENSION} samples per dimension in the first part of the split")


def _check(dimension: int, classes: int) -> None:
    if dimension < 1 or classes < 1:
        raise UsageError(f"{dimension} dimensions and {classes} classes; give at least one of each")
