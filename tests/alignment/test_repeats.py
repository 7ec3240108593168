"""Pairs of one picture within a set, and the sizes of clusters that they join."""

import numpy as np
import pytest

from didlearn.alignment.planes import grey_planes
from didlearn.alignment.repeats import find_repeats, pair_misfits
from didlearn.images.disguises import compressed, mirrored, moved
from tests.alignment.pictures import scenes, strokes

CHANGES = (mirrored, moved(1, 1), compressed(75))


@pytest.mark.parametrize("pictures", [scenes(100, seed=0), strokes(100, seed=0)])
def test_each_change_is_found_and_no_stranger(pictures):
    rng = np.random.default_rng(0)
    together = np.concatenate([pictures, *(change(pictures, rng) for change in CHANGES)])
    found = find_repeats(grey_planes(together), 0.006)
    right = found.first % 100 == found.second % 100
    assert right.mean() > 0.97
    for kind in range(1, 4):
        paired = (found.first < 100) & (found.second // 100 == kind) & right
        assert paired.sum() >= 95
    assert (found.score <= 0.006).all()
    assert (found.first < found.second).all()


def test_misfits_are_symmetric_up_to_the_fit_and_0_for_the_same():
    pictures = scenes(20, seed=0)
    both = grey_planes(np.concatenate([pictures, mirrored(pictures, np.random.default_rng(0))]))
    first, second = np.arange(20), np.arange(20, 40)
    assert pair_misfits(both, first, first) == pytest.approx(0, abs=1e-5)
    assert pair_misfits(both, first, second) == pytest.approx(0, abs=1e-4)
    assert np.median(pair_misfits(both, first, np.roll(first, 1))) > 0.1


def test_threads_change_no_bit():
    pictures = np.concatenate([scenes(300, seed=0)] * 2)
    once, twice = (find_repeats(grey_planes(pictures), 0.5, threads=threads) for threads in (1, 2))
    assert all(np.array_equal(one, two) for one, two in zip(once, twice, strict=True))
