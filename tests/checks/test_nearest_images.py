"""The nearest image of a set that is read chunk by chunk, against cases counted by hand."""

import numpy as np
import pytest
import torch

from didlearn.checks import nearest_images as module
from didlearn.checks.nearest_images import images_at_once, nearest_images
from tests.checks.features import numbered, unscrambled

SMALLEST = 1024


def spelled(images):
    """The number that each image spells, as a feature: image i lies at i on a line, two features wide."""
    digits = images.read_raw(range(len(images)))[:, 0, 0].astype(np.int64)
    numbers = unscrambled(torch.from_numpy(digits)).numpy()
    return np.stack([numbers, np.zeros(len(numbers))], axis=1).astype(np.float32)


def at(*places):
    return np.stack([places, np.zeros(len(places))], axis=1).astype(np.float32)


def find(count, query, exclude=None):
    found = nearest_images(numbered(0, count, None), query, spelled, exclude=exclude)
    return found.distance.tolist(), found.index.tolist()


@pytest.fixture
def chunked(monkeypatch):
    """Chunks as small as they come."""
    monkeypatch.setattr(module, "_CHUNK_BYTES", 1)


def test_the_nearest_of_a_line_in_one_chunk():
    assert find(10, at(0.25, 1.0, 6.6, 40.0)) == ([0.25, 0.0, pytest.approx(0.4), 31.0], [0, 1, 7, 9])


def test_the_nearest_may_lie_in_any_chunk(chunked):
    distance, index = find(2 * SMALLEST + 5, at(-2.0, 1023.25, 1500.5, 2052.0, 9000.0))
    assert index == [0, 1023, 1500, 2052, 2052]
    assert distance == [2.0, 0.25, 0.5, 0.0, 9000.0 - 2052]


def test_of_several_at_one_distance_the_first_counts(chunked):
    assert find(SMALLEST + 2, at(1023.5)) == ([0.5], [1023])  # 1024, in the next chunk, is as near


def test_what_is_excluded_does_not_count(chunked):
    count = 2 * SMALLEST + 5
    own = np.array([0, 1, 1023, 1024, 2052, -1])
    distance, index = find(count, at(*np.maximum(own, 0)), own)
    assert index == [1, 0, 1022, 1023, 2051, 0]
    assert distance == [1.0] * 5 + [0.0]


def test_a_chunk_of_one_image_counts_for_those_it_is_not_excluded_for(chunked):
    """The mistake this sees: a last chunk of one image skipped for every query because of one."""
    last = SMALLEST
    assert find(last + 1, at(last, last, 3.0), np.array([last, -1, 3])) == ([1.0, 0.0, 1.0], [last - 1, last, 2])


def test_a_chunk_of_two_images_has_one_for_everyone(chunked):
    assert find(SMALLEST + 2, at(SMALLEST + 1), np.array([SMALLEST + 1])) == ([1.0], [SMALLEST])


def test_where_all_is_excluded_nothing_is_found():
    assert find(1, at(0.0, 2.0), np.array([0, -1])) == ([np.inf, 2.0], [-1, 0])


@pytest.mark.parametrize(
    ("budget", "chunks"),
    [(1, [1024, 1024, 452]), (4 * 2 * 2000, [2000, 500]), (2**28, [2500])],
)
def test_the_set_is_read_once_in_chunks_that_fit_the_memory(monkeypatch, budget, chunks):
    monkeypatch.setattr(module, "_CHUNK_BYTES", budget)
    read = []

    def embed(images):
        read.append(len(images))
        return spelled(images)

    nearest_images(numbered(0, 2500, None), at(3.0), embed)
    assert read == chunks


def test_a_quarter_of_a_gibibyte_is_read_at_once():
    assert images_at_once(3 * 32 * 32) == 21_845  # 2²⁸ bytes at 4 a number
    assert images_at_once(3 * 1024 * 1024) == SMALLEST
