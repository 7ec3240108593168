"""What is equal to the last bit but for mirroring, whole moves and channels, and what is not."""

import numpy as np
import pytest

from didlearn.alignment import find_originals
from didlearn.alignment.lossless import equal_pictures
from didlearn.images.disguises import compressed, cropped, exchanged, in_turn, mirrored, moved, relit, turned
from tests.alignment.pictures import scenes


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        (in_turn(), True),
        (mirrored, True),
        (moved(1, 0), True),
        (moved(2, 3), True),
        (in_turn(mirrored, moved(1, 2)), True),
        (exchanged, True),
        (compressed(95), False),
        (relit(1.02), False),
        (cropped(1), False),
        (turned(1), False),
    ],
)
def test_lossless_changes_are_told_from_others(change, equal):
    known = scenes(60, seed=0)
    hidden = change(known[:30], np.random.default_rng(0))
    found = find_originals(hidden, known)
    assert np.array_equal(found.index, np.arange(30))
    assert equal_pictures(hidden, known[found.index], found.maps).tolist() == [equal] * 30


def test_one_grey_level_of_one_pixel_is_a_difference():
    known = scenes(20, seed=0)
    touched = known.copy()
    touched[:, 0, 16, 16] ^= 1
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (20, 1, 1))
    assert not equal_pictures(touched, known, maps).any()
    assert equal_pictures(known, known, maps).all()


def told(shape, down, right, mirror=False, linear=((1.0, 0.0), (0.0, 1.0))):
    """A map that reads the original so many pixels down and right, mirrored first if asked."""
    found = np.array([[*linear[0], 2 * right / shape[1]], [*linear[1], 2 * down / shape[0]]], np.float32)
    return found * np.array([[-1], [1]], np.float32) if mirror else found


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("down", "right"), [(2, 3), (2, -3), (-2, 3), (-2, -3), (0, 0), (3, 0), (0, -3)])
def test_moves_in_every_direction_are_undone(down, right, mirror):
    """Pixel (y, x) of a copy is (y + down, x + right) of the original, or of the mirrored original."""
    original = np.random.default_rng(0).integers(256, size=(1, 1, 12, 20), dtype=np.uint8)
    shown = original[..., ::-1] if mirror else original
    copy = np.roll(shown, (-down, -right), (2, 3))
    maps = told((12, 20), down, right, mirror)[None]
    assert equal_pictures(copy, original, maps).tolist() == [True]
    touched = copy.copy()
    touched[0, 0, 6, 10] ^= 1
    assert equal_pictures(touched, original, maps).tolist() == [False]


def test_no_more_than_a_quarter_of_the_side_is_undone():
    original = np.random.default_rng(0).integers(256, size=(1, 1, 12, 20), dtype=np.uint8)
    for down, equal in ((3, True), (4, False)):
        maps = told((12, 20), down, 0)[None]
        assert equal_pictures(np.roll(original, -down, 2), original, maps).tolist() == [equal]


@pytest.mark.parametrize(
    "linear", [((1.1, 0), (0, 1)), ((1, 0.1), (0, 1)), ((1, 0), (-0.1, 1)), ((1, 0), (0, 0.9)), ((1, 0), (0, -1))]
)
def test_what_is_stretched_or_turned_is_not_equal(linear):
    flat = np.full((1, 1, 12, 20), 7, np.uint8)
    assert equal_pictures(flat, flat, told((12, 20), 0, 0)[None]).all()
    assert not equal_pictures(flat, flat, told((12, 20), 0, 0, linear=linear)[None]).any()


def test_channels_are_exchanged_in_every_order_of_three_and_not_of_more():
    for channels, equal in ((3, True), (4, False)):
        original = np.random.default_rng(0).integers(256, size=(1, channels, 8, 8), dtype=np.uint8)
        for order in ([2, 0, 1], [1, 0, 2]):
            rest = list(range(3, channels))
            found = equal_pictures(original[:, [*order, *rest]], original, told((8, 8), 0, 0)[None])
            assert found.tolist() == [equal]
