"""Originals are found under what people do to pictures: on pictures made here, whose originals are known."""

import numpy as np
import pytest
import torch

from didlearn.alignment import find_originals
from didlearn.alignment.originals import SMALLEST_SIDE
from didlearn.alignment.planes import grey_planes
from didlearn.alignment.registration import PlanePairs, line_up_planes
from didlearn.errors import DataError
from didlearn.images.disguises import DISGUISES, compressed
from didlearn.parallel import UNIT
from tests.alignment.pictures import scenes, strokes


@pytest.fixture(scope="module")
def known():
    return scenes(600, seed=0)


@pytest.mark.parametrize("name", DISGUISES)
def test_each_disguise_is_seen_through(known, name):
    rng = np.random.default_rng(1)
    hidden = rng.permutation(len(known))[:40]
    found = find_originals(DISGUISES[name](known[hidden], rng), known)
    assert (found.index == hidden).mean() >= 0.9
    assert np.median(found.score) < 0.05


def test_strangers_line_up_worse_than_copies(known):
    strangers, copies = scenes(100, seed=1), DISGUISES["mirrored, JPEG, cropped"](known[:100], np.random.default_rng(0))
    apart = find_originals(strangers, known).score, find_originals(copies, known).score
    assert np.quantile(apart[0], 0.05) > np.quantile(apart[1], 0.95)


def test_a_moved_drawing_is_found_among_many_alike():
    drawn = strokes(500, seed=0)
    moved = np.roll(drawn[:50], (2, 2), (2, 3))
    found = find_originals(moved, drawn)
    assert (found.index == np.arange(50)).mean() >= 0.95
    assert np.median(found.score) < 1e-4


def test_what_it_returns_undoes_the_move(known):
    """A picture moved right by two pixels shows at x what the original has at x − 2: −2 of 16 pixels to a unit."""
    found = find_originals(np.roll(known[:20], 2, 3), known)
    assert found.maps[:, :, 2] == pytest.approx(np.tile([-2 / 16, 0], (20, 1)), abs=0.02)
    assert found.maps[:, :, :2] == pytest.approx(np.tile(np.eye(2), (20, 1, 1)), abs=0.05)


def test_a_mirrored_picture_has_a_mirroring_map(known):
    assert (np.linalg.det(find_originals(known[:20, :, :, ::-1], known).maps[:, :, :2]) < 0).all()


def test_the_excluded_image_does_not_count(known):
    found = find_originals(known[:30], known, exclude=np.arange(30))
    assert (found.index != np.arange(30)).all()
    assert found.score.min() > 1e-3


def test_threads_change_no_bit_and_pictures_know_nothing_of_one_another(known):
    queries = np.concatenate([known[: 2 * UNIT], scenes(300, seed=2)])
    once, twice = (find_originals(queries, known, threads=threads) for threads in (1, 2))
    for first, second in zip(vars(once).values(), vars(twice).values(), strict=True):
        assert np.array_equal(first, second)
    alone = find_originals(queries[5:6], known)
    assert (alone.index[0], alone.score[0]) == (once.index[5], pytest.approx(once.score[5], abs=1e-5))


def test_a_set_larger_than_a_chunk_is_searched_whole(known, monkeypatch):
    whole = find_originals(known[-30:], known)
    monkeypatch.setattr("didlearn.alignment.originals._REFERENCES", 256)
    parted = find_originals(known[-30:], known)
    assert np.array_equal(whole.index, parted.index)
    assert np.array_equal(parted.index, np.arange(570, 600))


def test_flat_pictures_match_nothing():
    flat = np.full((5, 1, 16, 16), 7, np.uint8)
    assert find_originals(flat, np.concatenate([flat, strokes(20, seed=0)[:, :, :16, :16]])).score.tolist() == [1.0] * 5


def test_a_single_image_is_the_likeliest(known):
    found = find_originals(known[:3], known[1:2])
    assert found.index.tolist() == [0, 0, 0]
    assert found.score[1] < 1e-4 < min(found.score[0], found.score[2])


def test_eight_pixels_a_side_are_enough():
    small = np.random.default_rng(0).integers(256, size=(5, 1, SMALLEST_SIDE, SMALLEST_SIDE), dtype=np.uint8)
    assert find_originals(small, small).index.tolist() == [0, 1, 2, 3, 4]


def test_wide_pictures_and_large_ones(known):
    large = np.repeat(np.repeat(known[:60], 3, 2), 4, 3)
    found = find_originals(large[:20, :, :, ::-1], large)
    assert np.array_equal(found.index, np.arange(20))


@pytest.mark.parametrize(
    ("queries", "reference", "words"),
    [
        (np.zeros((2, 1, 16, 16), np.uint8), np.zeros((2, 1, 16, 18), np.uint8), "bring both to one shape"),
        (np.zeros((2, 1, 4, 4), np.uint8), np.zeros((2, 1, 4, 4), np.uint8), f"{SMALLEST_SIDE} a side"),
        (np.zeros((2, 1, 4, 32), np.uint8), np.zeros((2, 1, 4, 32), np.uint8), f"{SMALLEST_SIDE} a side"),
        (np.zeros((0, 1, 16, 16), np.uint8), np.zeros((2, 1, 16, 16), np.uint8), "give more"),
    ],
)
def test_what_cannot_be_lined_up_is_said(queries, reference, words):
    with pytest.raises(DataError, match=words):
        find_originals(queries, reference)


def test_both_misfits_and_the_map_are_those_of_the_original_found(known):
    """The mistake this sees: what is worked out of the best pairs alone, set beside other pictures."""
    queries = np.concatenate([compressed(25)(known[:12], np.random.default_rng(0)), scenes(6, seed=1)])
    found = find_originals(queries, known)
    pairs = PlanePairs.of(grey_planes(queries), grey_planes(known[found.index]))
    again = line_up_planes(pairs, torch.from_numpy(found.maps), 0)
    assert found.score == pytest.approx(again.score.numpy(), abs=1e-6)
    assert found.rough == pytest.approx(again.rough().numpy(), abs=1e-6)
