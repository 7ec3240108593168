import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.neighbors import count_within, near_duplicates


@pytest.mark.parametrize("direct", [1e-9, 100, 1e9], ids=["at once", "usual", "through all levels"])
def test_counts_are_those_of_brute_force(points, direct, oracle, small_blocks):
    every = oracle.distances(points, points)[np.triu_indices(len(points), 1)]
    radii = np.concatenate([[0, 0], np.quantile(every, np.linspace(0, 1, 12)) * (1 + 1e-9), [np.inf]])
    with small_blocks(direct):
        counts = count_within(points, radii)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, [np.sum(every <= radius) for radius in radii])


def test_one_radius_counts_the_near_duplicates():
    x = np.random.default_rng(0).normal(size=(2500, 30)).astype(np.float32)
    radii = [3.5, 4.5, 6.0, 9.0]
    counts = count_within(x, radii)
    assert 0 < counts[0] < counts[-1] <= 2500 * 2499 // 2
    assert counts.tolist() == [near_duplicates(x, radius).pairs for radius in radii]


def test_equal_rows_count_at_every_radius():
    np.testing.assert_array_equal(count_within(np.ones((3000, 5)), [0, 1e-300, 1]), [3000 * 2999 // 2] * 3)


def test_nothing_to_count():
    assert count_within(np.eye(3), []).tolist() == []
    assert count_within(np.zeros((1, 3)), [0, 1]).tolist() == [0, 0]


@pytest.mark.parametrize("radii", [[-1.0], [2.0, 1.0], [np.nan], [[1.0]], 1.0])
def test_radii_that_are_no_ascending_distances_are_refused(radii):
    with pytest.raises(UsageError, match="ascending"):
        count_within(np.eye(3), radii)
