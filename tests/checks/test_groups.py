"""Which images are chosen, and how groups are called."""

import numpy as np
import pytest

from didlearn.audit.subject import Subject
from didlearn.checks.groups import (
    content_of,
    estimate_key,
    heldout_images,
    outside_pixels,
    pixel_variance,
    pixels,
    role_of,
)
from didlearn.images import open_images


def numbered(count, size=4):
    """8-bit images that each hold their number."""
    return open_images(np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 1, size, size)))


def numbers(images):
    return np.rint(images[:, 0, 0, 0] * 255).astype(int).tolist()


def test_names_and_roles():
    assert estimate_key("error", "train") == "error_train"
    assert estimate_key("error", "held-out") == "error_heldout"
    assert estimate_key(estimate_key("preference", "held-out"), "svhn") == "preference_heldout_svhn"
    assert [role_of(name) for name in ("train", "held-out", "generated", "svhn")] == [
        "train",
        "heldout",
        "generated",
        "outside",
    ]


def test_pixels_are_read_in_order_as_floats():
    read = pixels(numbered(5).subset([4, 0, 2]))
    assert read.dtype == np.float32
    assert read.shape == (3, 1, 4, 4)
    assert numbers(read) == [4, 0, 2]


def test_variance_is_that_of_each_image():
    images = np.zeros((2, 1, 2, 2), np.float32)
    images[1, 0] = [[1, 3], [1, 3]]
    assert pixel_variance(images).tolist() == [0, 1]


def test_heldout_images_are_the_same_for_every_check_and_others_for_another_seed():
    chosen = [numbers(pixels(heldout_images(Subject(None, heldout=numbered(200), seed=s), 20))) for s in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == 20
    assert numbers(pixels(heldout_images(Subject(None, heldout=numbered(7)), 20))) == list(range(7))


def test_outside_images_are_those_of_the_right_shape():
    subject = Subject(None, numbered(9), outside={"a": numbered(100), "b": numbered(100), "wide": numbered(9, size=5)})
    chosen = outside_pixels(subject, 10)
    assert list(chosen) == ["a", "b"]
    a, b = (numbers(images) for images in chosen.values())
    assert len(set(a)) == len(set(b)) == 10
    assert a != b


def test_content_is_that_of_the_pixels():
    images = np.random.default_rng(0).random((3, 1, 4, 4)).astype(np.float32)
    assert content_of(images) == content_of(images.copy())
    assert content_of(images.transpose(0, 1, 3, 2)) == content_of(np.ascontiguousarray(images.transpose(0, 1, 3, 2)))
    assert content_of(images) != content_of(images.transpose(0, 1, 3, 2))
    with pytest.raises(AssertionError):
        heldout_images(Subject(None), 1)
