"""Classifiers on features against scikit-learn's, and on Gaussian features against their own rotations.

Mistakes seen: an intercept in the ridge, a penalty in other units, test rows among the training rows, classes that lie
in another order than their labels.
"""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from didlearn.checks.feature_groups import OWN, FeatureGroup
from didlearn.checks.gaussianity.classifiers import (
    LEAST_SQUARES,
    PENALTIES,
    SHOWN,
    _fewer_features,
    _scores,
    classifier_errors,
)
from didlearn.random_matrix import fit_mixture, predict_classifier
from didlearn.random_matrix.replicates import place_scalar
from didlearn.rng import Stream

COUNTS = (60, 50, 40)


@pytest.fixture(scope="module")
def studied():
    """Three classes that overlap, away from zero: what is found, the group, and its training rows."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(3), COUNTS))
    x = rng.normal(size=(len(labels), 8)) * np.linspace(0.5, 2, 8) + 1.2 * np.eye(3, 8)[labels] + 1
    group = FeatureGroup(OWN, "generated", x, labels, ("a", "b", "c"), 0, 8)
    chosen, _ = group.split(30)
    return classifier_errors(group, chosen, fit_mixture(x, labels), 39, Stream(0)), group, chosen


def held_back(group, chosen):
    """The rows that are tested: of each class the first that are not trained on, twice as many as are."""
    rows = []
    for label in range(3):
        fresh = np.flatnonzero(~chosen & (group.labels == label))
        rows.append(fresh[: 2 * (chosen & (group.labels == label)).sum()])
    return np.concatenate(rows)


@pytest.mark.parametrize("classifier", LEAST_SQUARES)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_errors_are_those_of_another_ridge(studied, classifier, penalty):
    found, group, chosen = studied
    x, y, rows = group.features, group.labels, held_back(group, chosen)
    scale = fit_mixture(x, y).covariances().trace(axis1=1, axis2=2).mean() / 8
    ridge = RidgeClassifier(alpha=8 * penalty * scale, fit_intercept=classifier == "LS-SVM")
    called = ridge.fit(x[chosen], y[chosen]).predict(x[rows])
    assert found.error[classifier, penalty] == pytest.approx((called != y[rows]).mean())
    assert found.test_rows == len(rows) == 60
    if (classifier, penalty) == SHOWN:
        table = np.array([[((y[rows] == a) & (called == b)).mean() for b in range(3)] for a in range(3)])
        assert found.confusion == pytest.approx(table / table.sum(1, keepdims=True))


def test_features_are_placed_among_their_rotations(studied):
    found, _, _ = studied
    for key, error in found.error.items():
        assert found.null[key].shape == (39,)
        assert found.placement[key] == place_scalar(np.append(error, found.null[key]))
        assert found.placement[key].p_value > 0.025, "they are Gaussian"
    assert found.null_confusion.sum(1) == pytest.approx(np.ones(3))
    shown = found.null[SHOWN].mean()
    assert 1 - found.null_confusion.diagonal() @ (np.array([24, 20, 16]) / 60) == pytest.approx(shown)


def test_the_limit_is_that_of_the_training_rows_and_the_group_s_moments(studied):
    found, group, _ = studied
    moments = fit_mixture(group.features, group.labels)
    sigma, shares = moments.covariances(), np.array([12, 10, 8]) / 30
    scale = sigma.trace(axis1=1, axis2=2).mean() / 8
    for (classifier, penalty), predicted in found.predicted.items():
        intercept = classifier == "LS-SVM"
        known = predict_classifier(moments.means, sigma, shares, 8 / 30, ridge=penalty * scale, intercept=intercept)
        assert predicted.error == pytest.approx(known.error), (classifier, penalty)


def test_few_fresh_rows_are_all_tested():
    labels = np.repeat([0, 1], [10, 10])
    x = np.random.default_rng(0).normal(size=(20, 3)) + 5 * labels[:, None]
    group = FeatureGroup(OWN, "generated", x, labels, ("a", "b"), 0, 3)
    chosen = np.arange(20) % 10 < 6
    assert classifier_errors(group, chosen, fit_mixture(x, labels), 19, Stream(0)).test_rows == 8


@pytest.mark.parametrize("intercept", [True, False])
def test_fewer_rows_than_features_give_the_same_scores(intercept):
    """Through the products of rows as through those of features, which agree for any numbers of either."""
    rng = np.random.default_rng(0)
    x, new, targets = rng.normal(size=(12, 30)) + 3, rng.normal(size=(5, 30)) + 3, np.eye(3)[np.arange(12) % 3] * 2 - 1
    centre, level = (x.mean(0), targets.mean(0)) if intercept else (0, 0)
    ours = _scores(x, targets, new, 2.0, intercept)
    theirs = _fewer_features(x - centre, targets - level, new - centre, [2.0 * penalty for penalty in PENALTIES])
    for penalty, one in zip(PENALTIES, theirs, strict=True):
        assert np.allclose(ours[penalty], one + level)
