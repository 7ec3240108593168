"""Patches of pictures: by hand, and what they tell apart."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from didlearn.checks.fidelity.patches import Patches


def pictures(count, size=12, channels=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, channels, size, size)).astype(np.uint8)


def test_features_are_those_of_each_place_by_itself():
    """The convolution that leaves out each place's mean and contrast, against every place cut out and scaled."""
    images = pictures(40)
    patches = Patches(images, np.random.default_rng(1))
    x = torch.from_numpy(images[:3]).double() / 255
    places = functional.unfold(x, patches.side).transpose(1, 2)
    places = places - places.mean(dim=2, keepdim=True)
    places = places / (places.var(dim=2, keepdim=True, correction=0) + 0.01).sqrt()
    found = ((places - patches.mean) @ patches.filters.double()).transpose(1, 2).reshape(3, -1, 7, 7)
    like = torch.cat([(found - 0.25).relu(), (-found - 0.25).relu()], dim=1)
    # 7 places fall to quarters of 4, the middle one to both
    parts = [like[:, :, rows, columns].mean(dim=(2, 3)) for rows in QUARTERS for columns in QUARTERS]
    by_hand = torch.stack(parts, dim=2).flatten(1).sqrt()
    np.testing.assert_allclose(patches.features(images[:3]), by_hand.numpy(), rtol=1e-3, atol=1e-4)


QUARTERS = (slice(0, 4), slice(3, 7))


def test_light_and_contrast_are_left_out():
    """Brighter by a constant: nothing changes; the mistake this sees is a mean not taken out in one of two places."""
    images = pictures(30).astype(np.float32) / 255 / 2
    patches = Patches(images, np.random.default_rng(1))
    np.testing.assert_allclose(patches.features(images + 0.25), patches.features(images), rtol=1e-2, atol=2e-3)


def test_bytes_and_floats_are_one_picture_and_blocks_do_not_matter():
    images = pictures(150)
    patches = Patches(images, np.random.default_rng(1))
    whole = patches.features(images)
    np.testing.assert_allclose(patches.features(images.astype(np.float32) / 255), whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(patches.features(images[100:]), whole[100:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 9), (1, 40, 70)])
def test_odd_shapes(shape):
    images = np.random.default_rng(0).integers(0, 256, (20, *shape)).astype(np.uint8)
    found = Patches(images, np.random.default_rng(1)).features(images)
    assert found.shape == (20, 8 * 128)
    assert np.isfinite(found).all()


def test_flat_pictures_have_nothing_to_compare():
    flat = np.full((20, 1, 8, 8), 77, np.uint8)
    assert np.isfinite(Patches(flat, np.random.default_rng(1)).features(flat)).all()
