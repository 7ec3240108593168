"""Duplicates counted by hand."""

import numpy as np
import pytest

from didlearn.checks.duplicate_counts import Counts, count_duplicates, count_pairs

LINE = np.array([[0.0], [5.0], [0.1], [0.2], [5.05], [9.0]], np.float32)  # a chain of three, a pair, one alone


def linked(pairs, *sizes):
    """Counts of which only pairs and cluster sizes are looked at."""
    none = np.zeros(0, np.int64)
    return Counts(sum(sizes), pairs, 0, none, none, none, np.array(sizes, np.int64))


def test_a_chain_of_three_and_a_pair():
    found = count_duplicates(LINE, 0.15)
    assert (found.samples, found.pairs, found.triples) == (6, 3, 2)
    assert found.degree.tolist() == [1, 1, 2, 1, 1, 0]
    assert found.following.tolist() == [2, 4, 3, 6, 6, 6]
    assert found.component.tolist() == [0, 1, 0, 0, 1, 5]
    assert found.cluster_sizes.tolist() == [3, 2]
    assert found.transitivity == pytest.approx(3 / 4)  # 0 and 0.2 are linked and no duplicates
    assert not found.transitive


def test_a_clique_of_three_and_a_pair():
    found = count_duplicates(LINE, 0.25)
    assert (found.pairs, found.triples) == (4, 6)  # 3·2·1 ordered triples in the clique
    assert found.transitivity == 1
    assert found.transitive
    assert (found.collisions.pairs, found.collisions.triples, found.collisions.samples) == (4, 6, 6)


def test_the_threshold_itself_counts():
    assert count_duplicates(np.array([[0.0], [3.0], [6.5]], np.float32), 3.0).pairs == 1


def test_no_duplicate_says_nothing_about_transitivity():
    found = count_duplicates(LINE, 0.01)
    assert (found.pairs, found.triples, found.cluster_sizes.tolist()) == (0, 0, [])
    assert found.transitivity is None
    assert found.transitive


@pytest.mark.parametrize(("pairs", "transitive"), [(95, True), (94, False)])
def test_nine_in_ten_linked_pairs_make_clusters_pictures(pairs, transitive):
    assert linked(pairs, 15).transitive is transitive  # 105 linked pairs


def test_nine_in_ten_exactly_is_enough():
    assert linked(9, 5).transitive


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_effective_support_is_all_pairs_over_those_that_collide(level):
    support = count_duplicates(LINE, 0.25).support(level)
    assert support.value == pytest.approx(15 / 4)
    assert (support.level, support.n) == (level, 6)
    open_ = count_duplicates(LINE, 0.01).support(level)
    assert open_.value is None
    assert open_.high is None


def test_pairs_at_several_distances_are_those_of_each():
    x = np.random.default_rng(4).normal(size=(300, 5)).astype(np.float32)
    near, far = count_pairs(x, (0.8, 2.0))
    for counts, distance in ((near, 0.8), (far, 2.0)):
        alone = count_duplicates(x, distance)
        assert 0 < counts.pairs == alone.pairs
        assert (counts.samples, counts.triples) == (alone.samples, alone.triples)
        assert counts.support(0.9) == alone.support(0.9)
        assert counts.collision(0.9) == alone.collision(0.9)
