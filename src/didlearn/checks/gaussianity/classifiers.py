"""Linear classifiers on features, on rotations of them, and as the limit predicts.

The LS-SVM with a linear kernel is least squares with a free intercept, targets ±1, one class against all; ridge
regression has none. For softmax and logistic regression (``logistic``) no limit is worked out here; on a Gaussian
mixture with the same two moments the paper expects the same errors. All train on the rows of the Gram matrix and are
tested on further ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from didlearn.arrays import Flags, Floats, Ints
from didlearn.checks.feature_groups import FeatureGroup
from didlearn.checks.gaussianity.logistic import LIKELIHOOD_PENALTIES, LIKELIHOODS, called_by_likelihood
from didlearn.parallel import limited_blas
from didlearn.random_matrix import ClassifierPrediction, GaussianMixture, Placement, fit_rotations
from didlearn.random_matrix.classifier import predict_classifiers
from didlearn.random_matrix.replicates import place_scalar
from didlearn.rng import Stream

PENALTIES = (0.01, 0.1, 1.0, 10.0)  # of the mean variance
LEAST_SQUARES = ("LS-SVM", "ridge")
CLASSIFIERS = (*LEAST_SQUARES, *LIKELIHOODS)
SHOWN = ("LS-SVM", 1.0)
_TEST_ROWS = 2  # for each training row, at most
_FITS = 2_000  # of one class's logistic regression, about: with many classes fewer rotations are classified by it
_FEWEST = 19
Setting = tuple[str, float]  # one of CLASSIFIERS, one of its penalties


@dataclass(frozen=True, eq=False)
class ClassifierErrors:
    """Errors by classifier and penalty.

    Attributes:
        error: of features. null: of the replicates, (B,), of softmax and logistic regression fewer where there are
            many classes. placement: of the one among the others.
        predicted: by the limit, of ``LEAST_SQUARES`` on Gaussian features with these moments.
        confusion, null_confusion: of ``SHOWN``, row class called column class, shares; the mean over replicates.
        test_rows: how many were classified.
    """

    error: dict[Setting, float]
    null: dict[Setting, Floats]
    placement: dict[Setting, Placement]
    predicted: dict[Setting, ClassifierPrediction]
    confusion: Floats
    null_confusion: Floats
    test_rows: int


def classifier_errors(
    group: FeatureGroup, chosen: Flags, moments: GaussianMixture, replicates: int, rng: Stream
) -> ClassifierErrors:
    """Classify features and their replicates.

    Args:
        group: features of two classes or more. chosen: rows that are trained on, (N,).
        moments: of all rows. replicates: how many rotations. rng: of them.
    """
    assert group.labels is not None
    train, covariances = np.bincount(group.labels[chosen]), moments.covariances()
    test = np.minimum(np.bincount(group.labels[~chosen]), _TEST_ROWS * train)
    scale = float(covariances.trace(axis1=1, axis2=2).mean()) / group.features.shape[1]
    with limited_blas(1):
        drawn = _family(group, chosen, train, test, replicates, rng)
        likely = max(_FEWEST, _FITS // len(train))
        family = [_confusions(rows, train, test, scale, i <= likely) for i, rows in enumerate(drawn)]
    errors = {key: np.array([_error(member[key], test) for member in family if key in member]) for key in family[0]}
    return ClassifierErrors(
        error={key: float(values[0]) for key, values in errors.items()},
        null={key: values[1:] for key, values in errors.items()},
        placement={key: place_scalar(values) for key, values in errors.items()},
        predicted=_predicted(moments.means, covariances, train, scale),
        confusion=family[0][SHOWN],
        null_confusion=np.mean([member[SHOWN] for member in family[1:]], axis=0),
        test_rows=int(test.sum()),
    )


def _family(
    group: FeatureGroup, chosen: Flags, train: Ints, test: Ints, replicates: int, rng: Stream
) -> Iterator[Floats]:
    """Give the features and then their rotations, each by class and in each class the training rows first."""
    x, y = group.features, group.labels
    assert y is not None
    yield np.concatenate(
        [np.concatenate([x[chosen & (y == c)], x[~chosen & (y == c)][:m]]) for c, m in enumerate(test)]
    )
    rotations, numbers = fit_rotations(x, y), rng.numpy("classes")
    for _ in range(replicates):
        yield rotations.draw(train + test, numbers)[0]


def _predicted(means: Floats, covariances: Floats, train: Ints, scale: float) -> dict[Setting, ClassifierPrediction]:
    rows = int(train.sum())
    ridges = [penalty * scale for penalty in PENALTIES]
    found = predict_classifiers(means, covariances, train / rows, means.shape[1] / rows, ridges)
    return {
        (classifier, penalty): found[ridge, classifier == "LS-SVM"]
        for classifier in LEAST_SQUARES
        for penalty, ridge in zip(PENALTIES, ridges, strict=True)
    }


def _error(confusion: Floats, test: Ints) -> float:
    return float(1 - (np.diag(confusion) * test).sum() / test.sum())


def _confusions(rows: Floats, train: Ints, test: Ints, scale: float, likelihoods: bool) -> dict[Setting, Floats]:
    """Train and test on rows that lie by class, in each the training rows first; return confusion shares (k, k)."""
    classes = len(train)
    known = np.repeat(np.arange(classes), train + test)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(train + test) - train - test, train + test)
    first = place < train[known]
    x, new = rows[first], rows[~first]
    targets = np.eye(classes)[known[first]] * 2 - 1
    called = {
        (classifier, penalty): score.argmax(1)
        for classifier in LEAST_SQUARES
        for penalty, score in _scores(x, targets, new, scale, classifier == "LS-SVM").items()
    }
    if likelihoods:
        called |= {
            (classifier, penalty): called_by_likelihood(classifier, penalty, scale, x, known[first], new)
            for classifier in LIKELIHOODS
            for penalty in LIKELIHOOD_PENALTIES
        }
    return {setting: _confusion(one, known[~first], classes) for setting, one in called.items()}


def _confusion(called: Ints, known: Ints, classes: int) -> Floats:
    table = np.zeros((classes, classes))
    np.add.at(table, (known, called), 1)
    return table / np.maximum(table.sum(1, keepdims=True), 1)


def _scores(x: Floats, targets: Floats, new: Floats, scale: float, intercept: bool) -> dict[float, Floats]:
    """Return scores of new rows for every penalty λ s: w = (XᵀX/p + λ s)^{-1} Xᵀ Y / p."""
    n, p = x.shape
    centre, level = (x.mean(0), targets.mean(0)) if intercept else (np.zeros(p), np.zeros(targets.shape[1]))
    seen = _fewer_rows if n < p else _fewer_features
    scores = seen(x - centre, targets - level, new - centre, [penalty * scale for penalty in PENALTIES])
    return {penalty: one + level for penalty, one in zip(PENALTIES, scores, strict=True)}


def _fewer_features(x: Floats, targets: Floats, new: Floats, ridges: list[float]) -> list[Floats]:
    """Return new (XᵀX/p + λ)^{-1} Xᵀ Y / p for every λ, of one decomposition."""
    p = x.shape[1]
    values, vectors = np.linalg.eigh(x.T @ x / p)
    pulled, seen = vectors.T @ (x.T @ targets) / p, new @ vectors
    return [seen @ (pulled / (np.maximum(values, 0) + ridge)[:, None]) for ridge in ridges]


def _fewer_rows(x: Floats, targets: Floats, new: Floats, ridges: list[float]) -> list[Floats]:
    """Return the same as (new Xᵀ / p) (XXᵀ/p + λ)^{-1} Y, with a Cholesky factor of n × n for every λ."""
    n, p = x.shape
    gram, cross = x @ x.T / p, new @ x.T / p
    return [cross @ cho_solve(cho_factor(gram + ridge * np.eye(n)), targets) for ridge in ridges]
