"""The pairs that are listed: the closest of all, and one of each cluster while there are others."""

import numpy as np
import pytest

from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.checks.support.pairs import listed_pairs
from didlearn.neighbors import closest_pairs

# A chain of three, a pair, and three alone.
LINE = np.array([[0.0], [0.01], [0.02], [10.0], [10.05], [20.0], [20.5], [30.0]], np.float32)


def listed(x, k, threshold=0.1):
    found = listed_pairs(x, count_duplicates(x, threshold), threshold, k, "cpu").apart
    return [(pair.first, pair.second, pair.duplicate) for pair in found]


@pytest.mark.parametrize(
    ("k", "pairs"),
    [
        (1, [(0, 1, True)]),
        (2, [(0, 1, True), (3, 4, True)]),
        (3, [(0, 1, True), (1, 2, True), (3, 4, True)]),  # both clusters are there, and the next closest comes
        (5, [(0, 1, True), (1, 2, True), (0, 2, True), (3, 4, True), (5, 6, False)]),
    ],
)
def test_the_closest_pairs_of_a_line(k, pairs):
    assert listed(LINE, k) == pairs


def test_distances_are_those_of_the_pairs():
    found = listed_pairs(LINE, count_duplicates(LINE, 0.1), 0.1, 5, "cpu").apart
    assert [pair.distance for pair in found] == pytest.approx([0.01, 0.01, 0.02, 0.05, 0.5], abs=1e-6)


def test_closest_pairs_that_are_known_are_not_looked_for():
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    counts = count_duplicates(x, 0.4)
    found = listed_pairs(x, counts, 0.4, 5, "cpu", closest_pairs(x, k=90))
    assert found == listed_pairs(x, counts, 0.4, 5, "cpu")


def test_the_threshold_itself_is_a_duplicate():
    x = np.array([[0.0], [3.0], [9.0]], np.float32)
    assert listed(x, 2, threshold=3.0) == [(0, 1, True), (1, 2, False)]


def test_one_picture_repeated_does_not_fill_the_list():
    """435 pairs at distance 0 stand before the pair of the other cluster."""
    x = np.concatenate([np.zeros((30, 1)), [[5.0], [5.05]]]).astype(np.float32)
    assert listed(x, 2) == [(0, 1, True), (30, 31, True)]
    found = listed_pairs(x, count_duplicates(x, 0.1), 0.1, 2, "cpu")
    assert found.apart[1].distance == pytest.approx(0.05, abs=1e-6)
    assert [pair.distance for pair in found.closest] == [0.0, 0.0]


def test_without_duplicates_the_closest_pairs_are_listed():
    assert listed(LINE, 2, threshold=0.001) == [(0, 1, False), (1, 2, False)]


def test_there_may_be_fewer_pairs_than_asked_for():
    assert listed(LINE[:2], 20) == [(0, 1, True)]
    assert listed(LINE[:1], 20) == []


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_the_closest_are_the_true_twenty_of_all_pairs(threshold):
    """Whatever counts as a duplicate, alone, in clusters or in chains: as by looking at every pair."""
    x = np.random.default_rng(3).normal(size=(150, 2)).astype(np.float32)
    apart = np.linalg.norm(x[:, None].astype(float) - x, axis=2)
    near = [(apart[i, j], i, j) for i in range(150) for j in range(i + 1, 150)]
    found = listed_pairs(x, count_duplicates(x, threshold), threshold, 20, "cpu").closest
    assert [(pair.first, pair.second) for pair in found] == [(i, j) for _, i, j in sorted(near)[:20]]
    assert [pair.distance for pair in found] == pytest.approx([d for d, _, _ in sorted(near)[:20]], rel=1e-6)
