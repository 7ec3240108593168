"""What else comes near to an image, where it is known."""

import numpy as np
import pytest
import torch

from didlearn.audit.subject import Subject
from didlearn.checks.baselines import autoencoder_error, neighbour_error, subspace_of
from didlearn.images import open_images
from didlearn.models.reconstructor import open_autoencoder
from tests.checks.inversions import line_model, residuals, subject_of, uniform_images


def test_the_best_subspace_of_images_of_a_linear_model_is_its_own():
    model = line_model()
    z = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    subject = subject_of(model, model.decode(z).numpy())
    others = uniform_images(5, 1)
    assert subspace_of(subject, 2).error(others.reshape(5, -1)) == pytest.approx(residuals(model, others), rel=1e-3)
    assert subspace_of(subject, 2) is subspace_of(subject, 2)
    assert subspace_of(subject, 1).directions.shape == (16, 1)


class Large:
    """A set that says how many of its images were asked for, and gives a few."""

    def __init__(self, shape):
        self.shape, self.asked = shape, []

    def some(self, most, rng):
        self.asked.append((most, rng.integers(10**9)))
        return open_images(uniform_images(5, 0))


@pytest.mark.parametrize(("shape", "fitted"), [((1, 64, 64), 20_000), ((1, 17, 241), 4_000)])
def test_a_sample_of_a_large_set_is_fitted_and_a_smaller_one_of_wide_images(shape, fitted):
    """4096 pixels are narrow, 4097 wide."""
    sets = [Large(shape) for _ in range(3)]
    for train, seed in zip(sets, (0, 0, 1), strict=True):
        subspace_of(Subject(None, train, seed=seed), 2)
    assert [train.asked[0][0] for train in sets] == [fitted] * 3
    first, again, other = (train.asked[0][1] for train in sets)
    assert first == again != other


def test_the_nearest_training_image_is_found_and_is_not_the_image_itself():
    train = uniform_images(30, 0)
    subject = subject_of(None, train)
    squared = np.square(train[:, None].astype(float) - train).reshape(30, 30, -1).mean(axis=2)
    assert neighbour_error(subject, train[:9], None) == pytest.approx(np.zeros(9), abs=1e-12)
    without = squared + np.diag(np.full(30, np.inf))
    found = neighbour_error(subject, train[:9], np.arange(9))
    assert found == pytest.approx(without[:9].min(axis=1), rel=1e-5)


def test_an_autoencoder_s_error_is_the_mean_square_of_what_it_misses():
    class Darker(torch.nn.Module):
        def forward(self, x):
            return x - torch.arange(x[0].numel()).view_as(x[0]) / 10

    images = uniform_images(70, 0)
    subject = Subject(None, open_images(images), autoencoder=open_autoencoder(Darker()))
    expected = np.square(np.arange(16) / 10).mean()
    found = autoencoder_error(subject, images)
    assert found.shape == (70,)
    assert found == pytest.approx(np.full(70, expected), rel=1e-6)
    assert autoencoder_error(Subject(None), images) is None
