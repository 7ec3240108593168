"""Scores of images held to be outside, and how well they tell."""

import numpy as np
import pytest
import torch

from didlearn.checks.manifold_classifier.outliers import outlier_estimates, outlier_key, scores_of
from didlearn.statistics.complexity import local_variance
from tests.checks.inversions import line_model, residuals, subject_of, uniform_images


def test_scores_are_what_they_are_called():
    model = line_model()
    train = model.decode(torch.randn(30, 2, generator=torch.Generator().manual_seed(0))).numpy()
    images, error = uniform_images(5, 0), np.arange(5.0)
    found = scores_of(subject_of(model, train), images, error)
    squared = np.square(images[:, None].astype(float) - train).reshape(5, 30, -1).mean(axis=2)
    assert found["manifold"] is error
    assert found["subspace"] == pytest.approx(residuals(model, images), rel=1e-3)
    assert found["neighbour"] == pytest.approx(squared.min(axis=1), rel=1e-5)
    assert found["local_variance"] == pytest.approx(local_variance(images))
    assert found["contrast"] == pytest.approx(images.reshape(5, -1).astype(float).var(axis=1))
    # An image of the training set is at no distance from it: nothing is left out.
    assert scores_of(subject_of(model, train), train[:2], error)["neighbour"] == pytest.approx([0, 0], abs=1e-9)


def test_every_score_tells_every_set():
    inside = {"manifold": np.array([1.0, 2.0, 3.0]), "contrast": np.array([1.0, 2.0, 3.0])}
    outside = {
        "far": {"manifold": np.array([4.0, 5.0]), "contrast": np.array([0.0, 0.5])},
        "same": {"manifold": np.array([2.0, 2.0]), "contrast": np.array([0.0, 2.5])},
    }
    found = outlier_estimates(inside, outside, 0.9)
    assert {name: estimate.value for name, estimate in found.items()} == pytest.approx(
        {"auroc_far": 1, "auroc_far_contrast": 0, "auroc_same": 0.5, "auroc_same_contrast": 1 / 3}
    )
    assert {estimate.level for estimate in found.values()} == {0.9}
    assert outlier_key("far", "manifold") == "auroc_far"
    assert outlier_key("far", "contrast") == "auroc_far_contrast"
