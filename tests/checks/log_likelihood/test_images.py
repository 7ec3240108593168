"""Whose likelihood is asked for: dequantised images, and the model's own with their noise."""

import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest

from didlearn.checks.log_likelihood.images import own_images, real_groups
from didlearn.checks.targets import planted
from didlearn.images import open_images
from didlearn.rng import Stream
from tests.checks.inversions import line_model, subject_of, uniform_images
from tests.inversion.decoders import decoder


def eight_bit(count, seed, size=4):
    return np.random.default_rng(seed).integers(0, 256, size=(count, 1, size, size), dtype=np.uint8)


def subject(**options):
    outside = {"other": open_images(eight_bit(30, 3)), "wide": open_images(eight_bit(30, 4, size=5))}
    return subject_of(line_model(), eight_bit(60, 1), eight_bit(50, 2), outside=outside, **options)


def levels(images, scale):
    """The 8-bit images they were, as tuples."""
    return {tuple(np.floor(image.ravel().astype(float) * scale + 1e-3).astype(int)) for image in images}


def test_eight_bit_pixels_become_intervals_that_they_fill_evenly():
    found = real_groups(subject(), 40, "gaussian")
    assert list(found) == ["train", "held-out", "other"]
    assert {name: images.shape for name, images in found.items()} == {
        "train": (40, 1, 4, 4), "held-out": (40, 1, 4, 4), "other": (30, 1, 4, 4),
    }  # fmt: skip
    for (name, images), raw in zip(found.items(), (eight_bit(60, 1), eight_bit(50, 2), eight_bit(30, 3)), strict=True):
        assert images.dtype == np.float32
        assert len(levels(images, 256)) == len(images), name
        assert levels(images, 256) <= {tuple(image.ravel().astype(int)) for image in raw}, name
        assert kstest((images.astype(float).ravel() * 256) % 1, "uniform").pvalue > 1e-3, name


def test_bernoulli_means_and_floats_get_no_noise():
    means = real_groups(subject(), 40, "bernoulli")["train"]
    assert means.dtype == np.float32
    assert levels(means, 255) <= {tuple(image.ravel().astype(int)) for image in eight_bit(60, 1)}
    assert np.rint(means * 255) == pytest.approx(means * 255, abs=1e-4)
    floats = uniform_images(9, 0)
    found = real_groups(subject_of(line_model(), floats, floats), 9, "gaussian")["train"]
    assert found.dtype == np.float32
    assert np.array_equal(found[np.lexsort(found.reshape(9, -1).T)], floats[np.lexsort(floats.reshape(9, -1).T)])


def test_they_depend_on_the_seed_and_on_the_name():
    first, again, other = (real_groups(subject(seed=seed), 20, "gaussian") for seed in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["train"], other["train"])
    same = subject_of(line_model(), eight_bit(60, 1), eight_bit(60, 1))
    found = real_groups(same, 20, "gaussian")
    assert not np.array_equal(found["train"], found["held-out"])


@pytest.mark.parametrize("observation", ["gaussian", "laplace"])
def test_own_images_have_noise_of_the_variance_asked(observation):
    model = line_model()
    found = own_images(subject_of(model, seed=4), 200, observation, 0.3, "typical")
    clean = planted(model, 200, Stream(4, ("density", "typical")), "cpu")
    assert found.dtype == np.float32
    assert found.shape == clean.shape
    noise = (found.astype(float) - clean) / 0.3
    # Normal squares have variance 2, Laplace ones 5.
    spread = {"gaussian": 2, "laplace": 5}[observation]
    assert np.square(noise).mean() == pytest.approx(1, abs=4 * np.sqrt(spread / noise.size))
    if observation == "gaussian":
        low, high = chi2(noise.size).ppf([1e-4, 1 - 1e-4])
        assert low < np.square(noise).sum() < high
    other = own_images(subject_of(model, seed=4), 200, observation, 0.3)
    assert not np.array_equal(found, other)


def test_own_bernoulli_images_are_black_or_white_as_often_as_their_means_say():
    half = decoder(lambda z: torch.full((len(z), 1, 4, 4), 0.3) + 0 * z.sum(), 2, value_range=(0, 1))
    found = own_images(subject_of(half), 200, "bernoulli", 1.0)
    assert set(np.unique(found)) == {0, 1}
    assert found.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / found.size))
