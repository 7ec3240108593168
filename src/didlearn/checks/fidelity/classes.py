"""Which classes the generator leaves out or starves, by a classifier fitted to the labelled training images."""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from threadpoolctl import threadpool_limits

from didlearn.arrays import Array, Ints
from didlearn.audit.subject import Subject
from didlearn.images.base import Images
from didlearn.result.values import Estimate, Table
from didlearn.rng import Stream
from didlearn.statistics.class_shares import ClassShares, class_shares
from didlearn.statistics.subspace import leading_directions

MOST_CLASSES = 100
_FITTED, _CALLED = 12_000, 6_000  # training images that the classifier is fitted to, and that its errors are read off
_FEWEST = 10  # of each class, in both
_DIRECTIONS, _RIDGE = 60, 0.1


def measured_classes(subject: Subject, generated: Array, rng: Stream) -> tuple[ClassShares, tuple[str, ...]] | None:
    """Return the generated images' shares of each class with the classes' names, or ``None`` where nothing tells them.

    Args:
        generated: (n, D) features.
    """
    train = subject.train
    if train is None or train.labels is None:
        return None
    counts = np.bincount(train.labels)
    if not 2 <= len(counts) <= MOST_CLASSES or (counts == 0).any():
        return None
    fitted, called = _halves(train, rng)
    labels = [train.labels[part] for part in (fitted, called)]
    if any((np.bincount(part, minlength=len(counts)) < _FEWEST).any() for part in labels):
        return None
    classifier = _Classifier(subject.embed(train.subset(fitted)), labels[0])
    shares = class_shares(
        classifier.call(generated), classifier.call(subject.embed(train.subset(called))), labels[1], counts
    )
    names = train.classes or tuple(map(str, range(len(counts))))
    return None if shares is None else (shares, names)


def class_table(shares: ClassShares, names: tuple[str, ...], level: float) -> Table:
    """Tabulate them."""
    found = [shares.estimate(label, level) for label in range(len(names))]
    return Table(
        name="class_shares",
        title="Classes among the generated images",
        columns=("class", "share over the data's", "low", "high"),
        rows=tuple((name, e.value, e.low, e.high) for name, e in zip(names, found, strict=True)),
        caption="1: as often as among training images; 0: left out. A classifier that errs widens the intervals.",
        csv="class_shares.csv",
    )


def class_estimates(shares: ClassShares, names: tuple[str, ...], level: float) -> dict[str, Estimate]:
    """Return the share of each class over the data's, by its name."""
    return {f"class_share_{name}": shares.estimate(label, level) for label, name in enumerate(names)}


def _halves(train: Images, rng: Stream) -> tuple[Ints, Ints]:
    """Two thirds of (at most so many) training images to fit to, a third to read the errors off."""
    order = rng.numpy("classes").permutation(len(train))[: _FITTED + _CALLED]
    cut = min(_FITTED, 2 * len(order) // 3)
    return np.sort(order[:cut]), np.sort(order[cut:])


class _Classifier:
    """Gaussians of each class in the leading directions."""

    def __init__(self, features: Array, labels: Ints) -> None:
        rows = features.astype(np.float64)
        self.mean = rows.mean(axis=0)
        wanted = min(_DIRECTIONS, rows.shape[1], len(rows) - 1)
        with threadpool_limits(1):
            self.directions = leading_directions(rows, self.mean, wanted)[1]
            self.law = QuadraticDiscriminantAnalysis(reg_param=_RIDGE).fit(self._project(features), labels)

    def _project(self, features: Array) -> Array:
        return np.asarray((features - self.mean) @ self.directions)

    def call(self, features: Array) -> Ints:
        """Return the class that each of the rows (n, D) is called, (n,)."""
        with threadpool_limits(1):
            return np.asarray(self.law.predict(self._project(features)), dtype=np.int64)
