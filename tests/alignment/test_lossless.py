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
