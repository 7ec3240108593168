import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from didlearn.errors import DataError, UsageError
from didlearn.images import open_images, shared_images, split_heldout


def flat(levels):
    """One flat picture per level: equal levels are exact duplicates."""
    return open_images(np.repeat(np.asarray(levels, np.uint8), 16).reshape(-1, 4, 4), name="flat")


@given(st.lists(st.integers(2, 12), min_size=2, max_size=60), st.integers(0, 5), st.floats(0.05, 0.95))
def test_nothing_is_lost_and_the_share_is_met(levels, seed, fraction):
    images = flat(levels)
    if len(set(levels)) == 1:
        with pytest.raises(DataError, match="flat has 1 different pictures: at least 2"):
            split_heldout(images, seed, fraction)
        return
    train, heldout = split_heldout(images, seed, fraction)
    assert sorted([*train.index, *heldout.index]) == list(range(len(levels)))
    assert len(train) > 0
    assert len(heldout) > 0
    assert np.array_equal(train.index, np.sort(train.index))
    assert abs(len(heldout) - fraction * len(levels)) <= 1


def test_a_recurring_picture_recurs_on_both_sides():
    """A tenth of all is one picture, and so it is of either side, whatever the seed."""
    shares = []
    for seed in range(100):
        _, heldout = split_heldout(flat([0] * 30 + list(range(1, 250))), seed)
        shares.append(float((heldout.read_raw(range(len(heldout))) == 0).all(axis=(1, 2, 3)).mean()))
    # 56 images at 30/279: standard deviation of a share below 0.042, of the mean of a hundred 0.0042.
    assert abs(np.mean(shares) - 30 / 279) < 5 * 0.0042


def test_fraction_is_met_exactly_without_duplicates():
    train, heldout = split_heldout(flat(range(2, 252)), 0)
    assert (len(train), len(heldout)) == (200, 50)
    assert train.notes == heldout.notes == ("held-out images were split off at random (seed 0): 50 of 250",)
    assert (train.name, heldout.name) == ("flat (train part)", "flat (held-out part)")


def test_seed_decides_and_everything_is_equally_likely():
    images = flat(range(2, 52))
    assert np.array_equal(split_heldout(images, 3)[1].index, split_heldout(images, 3)[1].index)
    held = np.zeros(50)
    for seed in range(400):
        held[split_heldout(images, seed)[1].index] += 1
    # 400 draws at 0.2: mean 80, standard deviation 8; five of them for the extremes of fifty.
    assert np.abs(held - 80).max() < 40
    assert held.std() > 3


def test_split_does_not_depend_on_what_the_pictures_show():
    one, other = flat(range(2, 52)), flat(range(102, 152))
    assert np.array_equal(split_heldout(one, 1)[1].index, split_heldout(other, 1)[1].index)


def test_labels_go_along():
    images = open_images(open_images("digits").subset(range(100)))
    train, heldout = split_heldout(images, 0)
    assert np.array_equal(heldout.labels, images.labels[heldout.index])
    assert np.array_equal(train.labels, images.labels[train.index])


def test_shared_images_counts_those_of_the_second():
    assert shared_images(flat([2, 3]), flat([3, 3, 4, 3])) == 3
    assert shared_images(flat([3, 3, 4, 3]), flat([2, 3])) == 1
    assert shared_images(flat([2]), flat([3])) == 0


def test_shared_images_across_formats(folder, encoded, pictures):
    pixels = pictures(5)
    files = folder({f"{i}.png": encoded(p) for i, p in enumerate(pixels[1:4])})
    assert shared_images(open_images(pixels.astype(np.float64) / 255), open_images(files)) == 3


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 20, float("nan")])
def test_impossible_fractions(fraction):
    with pytest.raises(UsageError, match="between 0 and 1"):
        split_heldout(flat([2, 3]), 0, fraction)
