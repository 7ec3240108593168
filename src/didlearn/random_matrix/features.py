"""Feature matrices as the tests take them: finite rows, every class filled, constant directions left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from didlearn.arrays import Array, Floats, Ints
from didlearn.errors import DataError, UsageError

_RANK_TOLERANCE = 1e-6


@dataclass(frozen=True)
class LabelledFeatures:
    """Rows of features by class.

    Attributes:
        features: (n, p) float64. labels: (n,), class of each row from 0 to k − 1. names: (k,) as the user calls them.
    """

    features: Floats
    labels: Ints
    names: Array

    @property
    def counts(self) -> Ints:
        """Return n_ℓ, (k,)."""
        return np.bincount(self.labels, minlength=len(self.names))

    def of_class(self, label: int) -> Floats:
        """Return the rows of one class."""
        return self.features[self.labels == label]


def labelled_features(
    features: ArrayLike, labels: ArrayLike | None = None, classes: ArrayLike | None = None
) -> LabelledFeatures:
    """Return checked features; without labels all rows are one class.

    Args:
        features: (n, p). labels: (n,), any values.
        classes: every class there should be; by default those among the labels.

    Raises:
        UsageError: shapes disagree.
        DataError: a number is not finite, a class has fewer than two rows, or all rows are equal.
    """
    x: Array = np.asarray(features.detach().cpu() if isinstance(features, torch.Tensor) else features)
    if x.ndim != 2 or not x.shape[1] or x.dtype.kind not in "fiub":
        raise UsageError(f"features have shape {x.shape} and type {x.dtype}; give numbers of shape (n, p)")
    if labels is None and classes is not None:
        raise UsageError("classes are named but no labels given; give labels of shape (n,)")
    named = np.zeros(len(x), np.int64) if labels is None else np.asarray(labels)
    if named.shape != (len(x),):
        raise UsageError(f"labels have shape {named.shape} for {len(x)} rows; give one label per row")
    return LabelledFeatures(_finite(x.astype(np.float64)), *_numbered(named, classes))


def _finite(x: Floats) -> Floats:
    bad = ~np.isfinite(x).all(1)
    if bad.any():
        raise DataError(f"{int(bad.sum())} of {len(x)} rows of features hold NaN or infinity; leave those rows out")
    if len(x) and (x == x[0]).all():
        raise DataError(f"all {len(x)} rows of features are equal, so they have no spectrum; give features that vary")
    return x


def _numbered(labels: Array, classes: ArrayLike | None) -> tuple[Ints, Array]:
    names = np.unique(labels if classes is None else np.asarray(classes))
    strangers = np.setdiff1d(labels, names)
    if len(strangers):
        raise UsageError(f"label {strangers.tolist()[0]!r} is not among the classes {names.tolist()}; name every class")
    index = np.searchsorted(names, labels).astype(np.int64)
    counts = np.bincount(index, minlength=len(names))
    if not len(names) or counts.min() < 2:
        small = int(np.argmin(counts)) if len(names) else 0
        got = f"class {names[small]} has {counts[small]} rows" if len(names) else "there are no rows"
        raise DataError(f"{got}; every class needs at least two, leave it out or draw more")
    return index, names


def centred(samples: LabelledFeatures) -> Floats:
    """Return features minus their class means, (n, p)."""
    means = np.stack([samples.of_class(label).mean(0) for label in range(len(samples.names))])
    return samples.features - means[samples.labels]


def varying_basis(rows: Floats) -> Floats:
    """Return an orthonormal basis (p, r) of the directions in which centred rows vary at all."""
    scale = np.sqrt((rows**2).mean(0))
    keep = scale > 1e-12 * scale.max()
    values, vectors = np.linalg.eigh(rows[:, keep].T @ rows[:, keep])
    inside = vectors[:, values > _RANK_TOLERANCE**2 * values.max()]
    basis = np.zeros((rows.shape[1], inside.shape[1]))
    basis[keep] = inside
    return basis
