"""Planted images and controls."""

import numpy as np
import pytest
import torch

from didlearn.checks.targets import phase_noise, planted, shifted, shuffled, with_noise
from didlearn.models import open_model
from didlearn.models.drawing import draw_labels
from didlearn.parallel import UNIT
from didlearn.rng import Stream
from didlearn.statistics.complexity import local_variance
from tests.inversion.decoders import linear


def test_planted_images_are_decoded_prior_draws():
    model = linear(d=3)
    images = planted(model, 40, Stream(0), "cpu")
    W, b = model.W, model.b
    r = torch.as_tensor(images).double().flatten(1) - b
    z = torch.linalg.lstsq(W, r.T).solution.T
    assert torch.allclose(z @ W.T, r, atol=1e-5)
    assert 0.6 < z.std() < 1.4
    far = planted(model, 40, Stream(0), "cpu", radius=2.0)
    assert np.allclose(far - b.view(1, 8, 8).numpy(), 2 * (images - b.view(1, 8, 8).numpy()), atol=1e-5)


@pytest.mark.parametrize("classes", [None, 3])
def test_planted_images_are_decoded_some_at_a_time_with_their_classes(classes):
    class Decoder(torch.nn.Module):
        def forward(self, z, labels=None):
            return (z.sum(dim=1) + (0 if labels is None else 100 * labels)).view(-1, 1, 1, 1)

    network = Decoder()
    network.classes = classes
    model, count = open_model(network, latent_shape=(4,), value_range=None), 2 * UNIT + 3
    images = planted(model, count, Stream(1), "cpu", radius=2.0)
    z, labels = model.sample_prior(count, Stream(1)), draw_labels(count, classes, None, Stream(1))
    expected = 2 * z.sum(dim=1).numpy() + (0 if labels is None else 100 * labels)
    assert images.ravel() == pytest.approx(expected, abs=1e-4)


def test_noise_has_the_asked_mean_square_and_says_what_it_was():
    images = np.zeros((50, 1, 10, 10), np.float32)
    noisy, squared = with_noise(images, 0.04, np.random.default_rng(0))
    assert np.allclose((noisy**2).reshape(50, -1).mean(axis=1), squared, rtol=1e-5)
    assert abs(squared.mean() - 0.04) < 4 * 0.04 * np.sqrt(2 / 5000)
    assert np.allclose(noisy, 0.2 * np.random.default_rng(0).standard_normal(images.shape, dtype=np.float32))
    assert np.allclose(with_noise(images + 1, 0.04, np.random.default_rng(0))[0], 1 + noisy)


def test_shuffling_keeps_each_images_pixels():
    images = np.random.default_rng(0).random((5, 2, 6, 6)).astype(np.float32)
    mixed = shuffled(images, np.random.default_rng(1))
    assert np.array_equal(np.sort(mixed.reshape(5, -1), axis=1), np.sort(images.reshape(5, -1), axis=1))
    assert not np.array_equal(mixed, images)
    assert not np.array_equal(np.argsort(mixed[0].ravel()), np.argsort(mixed[1].ravel()))


def test_shifting_moves_right_and_down_and_repeats_the_border():
    image = np.arange(16.0).reshape(1, 1, 4, 4)
    moved = shifted(image, 1)
    assert np.array_equal(moved[0, 0, 1:, 1:], image[0, 0, :3, :3])
    assert np.array_equal(moved[0, 0, 0], [0, 0, 1, 2])
    wide = np.random.default_rng(0).random((2, 3, 4, 7))
    assert shifted(wide, 2).shape == wide.shape
    assert np.array_equal(shifted(wide, 2)[:, :, 2:, 2:], wide[:, :, :2, :5])


def test_local_variance_sees_what_happens_within_patches_alone():
    checker = np.indices((16, 16)).sum(axis=0) % 2
    blocks = np.kron(np.arange(4.0).reshape(2, 2), np.ones((8, 8)))
    images = np.stack([checker, blocks])[:, None]
    assert np.allclose(local_variance(images), [0.25, 0.0])
    assert local_variance(checker[None, None, :5, :5]).shape == (1,)


@pytest.mark.parametrize("side", [8, 9])
def test_random_phases_keep_spectrum_mean_and_variance(side):
    images = np.random.default_rng(0).random((6, 3, side, side)).astype(np.float32).cumsum(axis=2) / side
    noise = phase_noise(images, np.random.default_rng(1))
    assert noise.shape == images.shape
    assert noise.dtype == np.float32
    before, after = (np.abs(np.fft.fft2(x.astype(np.float64))) for x in (images, noise))
    assert np.allclose(before, after, rtol=1e-4, atol=1e-4)
    for axis in ((2, 3),):
        assert np.allclose(noise.mean(axis=axis), images.mean(axis=axis), atol=1e-5)
        assert np.allclose(noise.var(axis=axis), images.var(axis=axis), rtol=1e-4)


def test_random_phases_are_random_and_each_image_s_own():
    image = np.random.default_rng(0).random((1, 1, 16, 16)).astype(np.float32)
    noise = phase_noise(np.repeat(image, 200, axis=0), np.random.default_rng(1))
    flat = (noise - noise.mean(axis=(2, 3), keepdims=True)).reshape(200, -1)
    correlation = np.corrcoef(flat)[np.triu_indices(200, 1)]
    assert abs(correlation.mean()) < 0.01
    assert np.abs(correlation).max() < 0.5
    assert abs(np.corrcoef(np.concatenate([flat, (image - image.mean()).reshape(1, -1)]))[-1, :-1].mean()) < 0.03
