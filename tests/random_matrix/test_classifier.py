"""Predicted errors against trained classifiers. Mistakes seen: a wrong intercept, a lost κ term, λ in other units."""

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.random_matrix import predict_classifier


def trained(means, covariances, proportions, n, ridge, intercept, draw, repeats=10):
    k, p = means.shape
    errors = []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        x, y = draw(means, covariances, np.round(proportions * n).astype(int), rng)
        targets = 2 * np.eye(k)[y] - 1
        centre, level = intercept * x.mean(0), intercept * targets.mean(0)
        weights = np.linalg.solve(
            (x - centre).T @ (x - centre) / p + ridge * np.eye(p), (x - centre).T @ (targets - level) / p
        )
        fresh, truth = draw(means, covariances, np.round(proportions * 3000).astype(int), rng)
        errors.append(np.mean(((fresh - centre) @ weights + level).argmax(1) != truth))
    return np.mean(errors)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("n", [60, 300])
@pytest.mark.parametrize("ridge", [0.05, 2.0])
def test_the_error_is_what_training_gives(three_classes, draw, n, ridge, intercept):
    means, covariances, proportions = three_classes(100, size=2.0)
    theory = predict_classifier(means, covariances, proportions, 100 / n, ridge=ridge, intercept=intercept)
    assert theory.error == pytest.approx(trained(means, covariances, proportions, n, ridge, intercept, draw), abs=0.02)
    np.testing.assert_allclose(theory.confusion.sum(1), 1)


def test_two_classes_take_the_sign_of_one_score(three_classes, draw):
    means, covariances, _ = three_classes(100, size=2.0)
    shares = np.array([0.7, 0.3])
    theory = predict_classifier(means[:2], covariances[:2], shares, 0.5)
    assert theory.error == pytest.approx(trained(means[:2], covariances[:2], shares, 200, 1.0, True, draw), abs=0.015)


def test_an_infinite_training_set_reaches_the_bayes_error():
    mean = 1.5 * np.eye(1, 20)[0]
    theory = predict_classifier([mean, -mean], [np.eye(20)] * 2, [0.5, 0.5], 1e-6)
    assert theory.error == pytest.approx(0.0668072, abs=1e-4)


def test_one_class_cannot_be_classified():
    with pytest.raises(UsageError, match="two classes"):
        predict_classifier(np.zeros((1, 3)), np.eye(3)[None], [1.0], 0.5)
