import numpy as np
import pytest

import didlearn as dl
from didlearn.images import open_images


def test_each_picture_is_one_colour_and_no_two_are_alike():
    images = open_images("colours", size=16)
    raw = images.read_raw(range(len(images)))
    assert raw.shape == (512, 3, 16, 16)
    assert (raw == raw[:, :, :1, :1]).all()
    assert len({tuple(colour) for colour in raw[:, :, 0, 0]}) == 512
    assert sorted(set(raw[:, 1, 3, 2].tolist())) == [0, 36, 73, 109, 146, 182, 219, 255]
    assert len(set(images.hashes.tolist())) == 512
    assert images.name == "colours"


def test_of_one_channel_they_are_all_greys():
    images = open_images("colours", channels=1)
    assert images.shape == (1, 32, 32)
    assert images.read_raw(range(256))[:, 0, 5, 7].tolist() == list(range(256))


def test_a_crop_makes_none_of_them_too_small():
    assert open_images("colours", crop=108, size=64).shape == (3, 64, 64)
    assert open_images("colours", crop=40).shape == (3, 40, 40)


@pytest.mark.parametrize("wrong", ["color", "colour"])
def test_who_means_them_is_told(wrong):
    with pytest.raises(dl.errors.DataError, match="did you mean colours"):
        open_images(wrong)


def test_they_are_told_from_digits_by_eye():
    """Most of what varies in a digit is within it; nothing within a colour does."""
    colours = open_images("colours", size=8, channels=1).read(range(256))
    assert np.ptp(colours.flatten(1).std(1).numpy()) == 0
