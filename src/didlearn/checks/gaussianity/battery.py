"""The battery of tests of one group of features: Gram matrix, whitened spectrum, quadratic forms, classifiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from didlearn.arrays import Flags, Floats, Ints
from didlearn.checks.feature_groups import FEWEST_ROWS, FeatureGroup
from didlearn.checks.gaussianity.classifiers import ClassifierErrors, classifier_errors
from didlearn.random_matrix import (
    ConcentrationCurve,
    MomentResult,
    PivotalResult,
    Spectrum,
    concentration_curve,
    fit_mixture,
    limiting_spectrum,
    moment_test,
    pivotal_test,
)
from didlearn.random_matrix.features import centred, labelled_features, varying_basis
from didlearn.rng import Stream
from didlearn.units.forms import kept_result

T = TypeVar("T")
_BINS = 40
_PRECISION = 1e-3  # of the limit that n eigenvalues are set beside
_LEAST = 1e-4  # of the greatest eigenvalue: smaller ones are not shown


@dataclass(frozen=True, eq=False)
class Battery:
    """What every test found about a group.

    Attributes:
        group: the features. tested: rows in the Gram matrix, n.
        gram: among rotations. pivotal: the F-matrix test of all rows. curve: r_Q against dimension.
        limit: the limiting spectrum at ``bins``, edges of logarithmic bins. distance: sup |F − F_limit| of the Gram
            matrix's eigenvalues. distance_null: the same of the replicates, (B,).
        classes: with two classes or more, classifiers on features and on replicates.
        matched: the F-matrix test of as many rows as the group compared with has, where they are fewer.
    """

    group: FeatureGroup
    tested: int
    gram: MomentResult
    pivotal: PivotalResult
    curve: ConcentrationCurve
    limit: Spectrum
    bins: Floats
    distance: float
    distance_null: Floats
    classes: ClassifierErrors | None
    matched: PivotalResult | None = None

    @property
    def rank(self) -> int:
        """Return the dimensions in which the features vary about their class means."""
        x, y = self.group.features, self.group.labels
        return int(varying_basis(centred(labelled_features(x, y))).shape[1])


def run_battery(
    group: FeatureGroup,
    tested: int,
    replicates: int,
    rng: Stream,
    matched: int | None = None,
    records: Path | None = None,
) -> Battery:
    """Run every test of a group's features.

    Args:
        group: at least ``FEWEST_ROWS`` rows of each class. tested: rows of the Gram matrix.
        replicates: of each null. rng: of the tests.
        matched: repeat the F-matrix test on this many rows, where they are fewer and hold enough of each class.
        records: where finished tests are kept.

    Raises:
        DataError: the features do not vary.
    """
    chosen, counts = group.split(tested)
    x, y = group.features, group.labels
    keep = _Keep(records, group, rng, {"tested": tested, "replicates": replicates})
    gram = keep(MomentResult, "gram", lambda: _among_rotations(group, chosen, replicates, rng))
    n, bins, moments = int(counts.sum()), _bins(gram), fit_mixture(x, y)
    limit = limiting_spectrum(
        moments.means, moments.covariances(), counts / n, x.shape[1] / n, bins, precision=_PRECISION
    )
    several = y is not None and len(group.names) > 1
    fewer = _fewer(group, matched)
    return Battery(
        group=group,
        tested=n,
        gram=gram,
        pivotal=keep(PivotalResult, "pivotal", lambda: _pivotal(x, y, rng.numpy("pivotal"), replicates)),
        curve=keep(ConcentrationCurve, "curve", lambda: concentration_curve(x, y, rng=rng.numpy("concentration"))),
        limit=limit,
        bins=bins,
        distance=_distance(gram.eigenvalues, n, limit),
        distance_null=np.array([_distance(row, n, limit) for row in gram.replicate_eigenvalues]),
        classes=keep(
            ClassifierErrors, "classifiers", lambda: classifier_errors(group, chosen, moments, replicates, rng)
        )
        if several
        else None,
        matched=None
        if fewer is None
        else keep(
            PivotalResult,
            f"matched {len(fewer[0])}",
            lambda: _pivotal(*fewer, rng.numpy("matched"), replicates),
        ),
    )


class _Keep(NamedTuple):
    """Keeps the finished tests of a group."""

    records: Path | None
    group: FeatureGroup
    rng: Stream
    settings: dict[str, object]

    def __call__(self, kind: type[T], name: str, make: Callable[[], T]) -> T:
        """Return what is kept of a test, or make it."""
        asked = self.settings | {"test": name, "seed": self.rng.seed, "stream": self.rng.names}
        return kept_result(self.records, kind, make, {"x": self.group.features, "y": self.group.labels}, asked)


def _pivotal(x: Floats, y: Ints | None, rng: np.random.Generator, replicates: int) -> PivotalResult:
    return pivotal_test(x, y, rng=rng, replicates=replicates)


def _among_rotations(group: FeatureGroup, chosen: Flags, replicates: int, rng: Stream) -> MomentResult:
    x, y = group.features, group.labels
    return moment_test(
        x[chosen],
        None if y is None else y[chosen],
        fresh=x[~chosen],
        fresh_labels=None if y is None else y[~chosen],
        rng=rng.numpy("gram"),
        replicates=replicates,
    )


def _fewer(group: FeatureGroup, rows: int | None) -> tuple[Floats, Ints | None] | None:
    """Return the first rows and their labels, where they are fewer than all and hold enough of each class."""
    if rows is None or rows >= len(group.features):
        return None
    y = None if group.labels is None else group.labels[:rows]
    if y is not None and np.bincount(y, minlength=len(group.names)).min() < FEWEST_ROWS:
        return None
    return group.features[:rows], y


def _bins(gram: MomentResult) -> Floats:
    values = np.concatenate([gram.eigenvalues, gram.replicate_eigenvalues.ravel()])
    high = float(values.max()) * 1.1
    low = max(float(values[values > _LEAST * high].min()) / 1.1, _LEAST * high)
    return np.geomspace(low, high, _BINS + 1)


def _distance(eigenvalues: Floats, n: int, limit: Spectrum) -> float:
    """Compare distribution functions of the n eigenvalues of G (those beyond the rank are zero) at the grid."""
    below = np.searchsorted(np.sort(eigenvalues), limit.grid, side="right") + n - len(eigenvalues)
    return float(np.abs(below / n - limit.distribution).max())
