"""Which classes the generator leaves out or starves, by a classifier fitted to the labelled training images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from didlearn.arrays import Array, Ints
from didlearn.audit.subject import Subject
from didlearn.checks.fidelity.patches import Patches
from didlearn.embeddings.pixels import PixelEmbedding
from didlearn.images.base import Images
from didlearn.models.base import Samples
from didlearn.parallel import limited_blas
from didlearn.result.values import Estimate, Table
from didlearn.rng import Stream
from didlearn.statistics.class_shares import ClassShares, class_shares
from didlearn.statistics.subspace import leading_directions

MOST_CLASSES = 100
_FITTED, _CALLED = 8_000, 4_000  # training images that the classifier is fitted to, and that its errors are read off
_GENERATED = 10_000
_FEWEST = 10  # of each class, in both
_DIRECTIONS = 512


def measured_classes(
    subject: Subject, drawn: Samples, features: Array, rng: Stream
) -> tuple[ClassShares, tuple[str, ...]] | None:
    """Return the generated images' shares of each class with the classes' names, or ``None`` where nothing tells them.

    Pixels say little of classes by themselves, so patches of them do; features of another embedding are used as given.

    Args:
        drawn: the generated images. features: (n, D) theirs.
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
    rows = _rows(subject, drawn, features, (train.subset(fitted), train.subset(called)), rng)
    caller = Caller(rows.fitted, labels[0])
    own, real = caller.call(rows.generated), caller.call(rows.called)
    shares = class_shares(own, real, labels[1], counts)
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


class _Rows(NamedTuple):
    """What the classifier is fitted to, what it calls to see its errors, and the generated images: (n, D) each."""

    fitted: Array
    called: Array
    generated: Array


def _rows(subject: Subject, drawn: Samples, features: Array, train: tuple[Images, Images], rng: Stream) -> _Rows:
    if not isinstance(subject.embedding, PixelEmbedding):
        return _Rows(subject.embed(train[0]), subject.embed(train[1]), features[:_GENERATED])
    fitted, called = (part.read_raw(range(len(part))) for part in train)
    patches = Patches(fitted, rng.numpy("patches"))
    return _Rows(*map(patches.features, (fitted, called, drawn.images[:_GENERATED])))


class Caller:
    """A linear discriminant, its covariance shrunk (Ledoit & Wolf 2004), in the leading directions.

    Args:
        rows: (n, D) features. labels: (n,) their classes.
    """

    def __init__(self, rows: Array, labels: Ints) -> None:
        self.mean = rows.mean(axis=0, dtype=np.float64)
        wanted = min(_DIRECTIONS, rows.shape[1], len(rows) - 1)
        law = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        with limited_blas(1):
            self.directions = leading_directions(rows.astype(np.float64), self.mean, wanted)[1]
            self.law = law.fit(self._project(rows), labels)

    def _project(self, rows: Array) -> Array:
        return np.asarray((rows - self.mean) @ self.directions)

    def call(self, rows: Array) -> Ints:
        """Return the class that each of the rows (n, D) is called, (n,)."""
        with limited_blas(1):
            return np.asarray(self.law.predict(self._project(rows)), dtype=np.int64)
