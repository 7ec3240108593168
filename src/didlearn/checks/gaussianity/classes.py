"""Linear classifiers on features, on rotations of them, and as the limit predicts.

The LS-SVM with a linear kernel is least squares with a free intercept, targets ±1, one class against all; ridge
regression has none. Both train on the rows of the Gram matrix and are tested on further ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from didlearn.arrays import Flags, Floats
from didlearn.checks.feature_groups import Group, Labels
from didlearn.random_matrix import ClassifierPrediction, GaussianMixture, Placement, fit_rotations, predict_classifier
from didlearn.random_matrix.replicates import place_scalar
from didlearn.rng import Stream

PENALTIES = (0.01, 0.1, 1.0, 10.0)  # of the mean variance
KINDS = ("LS-SVM", "ridge")
SHOWN = ("LS-SVM", 1.0)
_TEST_ROWS = 2  # for each training row, at most


@dataclass(frozen=True, eq=False)
class ClassStudy:
    """Errors by kind of classifier and penalty.

    Attributes:
        error: of features. null: of the replicates, (B,). placement: of the one among the others.
        predicted: by the limit, for Gaussian features with these moments.
        confusion, null_confusion: of ``SHOWN``, row class called column class, shares; the mean over replicates.
        test_rows: how many were classified.
    """

    error: dict[tuple[str, float], float]
    null: dict[tuple[str, float], Floats]
    placement: dict[tuple[str, float], Placement]
    predicted: dict[tuple[str, float], ClassifierPrediction]
    confusion: Floats
    null_confusion: Floats
    test_rows: int


def study_classes(group: Group, chosen: Flags, moments: GaussianMixture, replicates: int, rng: Stream) -> ClassStudy:
    """Classify features and their replicates.

    Args:
        group: features of two classes or more. chosen: rows that are trained on, (N,).
        moments: of all rows. replicates: how many rotations. rng: of them.
    """
    assert group.labels is not None
    x, y = group.features, group.labels
    train = np.bincount(y[chosen])
    test = np.minimum(np.bincount(y[~chosen]), _TEST_ROWS * train)
    covariances = moments.covariances()
    scale = float(covariances.trace(axis1=1, axis2=2).mean()) / x.shape[1]
    rows = np.concatenate(
        [np.concatenate([x[chosen & (y == c)], x[~chosen & (y == c)][:m]]) for c, m in enumerate(test)]
    )
    rotations, numbers = fit_rotations(x, y), rng.numpy("classes")
    with threadpool_limits(1):
        family = [_confusions(rows, train, test, scale)]
        draws = (rotations.draw(train + test, numbers)[0] for _ in range(replicates))
        family += [_confusions(drawn, train, test, scale) for drawn in draws]
    errors = {key: np.array([_error(member[key], test) for member in family]) for key in family[0]}
    ratio = x.shape[1] / int(train.sum())
    predicted = {
        (kind, penalty): predict_classifier(
            moments.means,
            covariances,
            train / train.sum(),
            ratio,
            ridge=penalty * scale,
            intercept=kind == "LS-SVM",
        )
        for kind, penalty in errors
    }
    return ClassStudy(
        {key: float(values[0]) for key, values in errors.items()},
        {key: values[1:] for key, values in errors.items()},
        {key: place_scalar(values) for key, values in errors.items()},
        predicted,
        family[0][SHOWN],
        np.mean([member[SHOWN] for member in family[1:]], axis=0),
        int(test.sum()),
    )


def _error(confusion: Floats, test: Labels) -> float:
    return float(1 - (np.diag(confusion) * test).sum() / test.sum())


def _confusions(rows: Floats, train: Labels, test: Labels, scale: float) -> dict[tuple[str, float], Floats]:
    """Train and test on rows that lie by class, in each the training rows first; return confusion shares (k, k)."""
    classes = len(train)
    known = np.repeat(np.arange(classes), train + test)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(train + test) - train - test, train + test)
    first = place < train[known]
    found = {}
    for kind in KINDS:
        scores = _scores(rows[first], np.eye(classes)[known[first]] * 2 - 1, rows[~first], scale, kind == "LS-SVM")
        for penalty, score in scores.items():
            table = np.zeros((classes, classes))
            np.add.at(table, (known[~first], score.argmax(1)), 1)
            found[kind, penalty] = table / np.maximum(table.sum(1, keepdims=True), 1)
    return found


def _scores(x: Floats, targets: Floats, new: Floats, scale: float, intercept: bool) -> dict[float, Floats]:
    """Return scores of new rows for every penalty λ s: w = (XᵀX/p + λ s)^{-1} Xᵀ Y / p."""
    p = x.shape[1]
    centre, level = (x.mean(0), targets.mean(0)) if intercept else (np.zeros(p), np.zeros(targets.shape[1]))
    values, vectors = np.linalg.eigh((x - centre).T @ (x - centre) / p)
    pulled = vectors.T @ ((x - centre).T @ (targets - level)) / p
    seen = (new - centre) @ vectors
    return {
        penalty: seen @ (pulled / (np.maximum(values, 0) + penalty * scale)[:, None]) + level for penalty in PENALTIES
    }
