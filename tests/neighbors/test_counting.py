import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.neighbors import count_within, degrees_within, near_duplicates


@pytest.mark.parametrize("direct", [1e-9, 100, 1e9], ids=["at once", "usual", "through all levels"])
def test_counts_are_those_of_brute_force(points, direct, oracle, small_blocks):
    every = oracle.distances(points, points)[np.triu_indices(len(points), 1)]
    radii = np.concatenate([[0, 0], np.quantile(every, np.linspace(0, 1, 12)) * (1 + 1e-9), [np.inf]])
    with small_blocks(direct):
        counts = count_within(points, radii)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, [np.sum(every <= radius) for radius in radii])


@pytest.mark.parametrize("direct", [1e-9, 100, 1e9], ids=["at once", "usual", "through all levels"])
def test_degrees_are_those_of_brute_force(points, direct, oracle, small_blocks):
    every = oracle.distances(points, points)
    apart = ~np.eye(len(points), dtype=bool)
    radii = np.concatenate([[0, 0], np.quantile(every, np.linspace(0, 1, 4)) * (1 + 1e-9), [np.inf]])
    with small_blocks(direct):
        degrees = degrees_within(points, radii)
    assert degrees.dtype == np.int64
    assert degrees.tolist() == [((every <= radius) & apart).sum(1).tolist() for radius in radii]


def test_copies_of_a_few_rows_are_counted_as_often_as_they_occur(oracle, small_blocks):
    """A generator that repeats itself: nine rows in ten equal an earlier one, in no order."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 6)).astype(np.float32)[rng.integers(0, 60, 600)]
    every = oracle.distances(x, x)
    np.fill_diagonal(every, np.inf)
    radii = np.quantile(every[np.isfinite(every)], [0.05, 0.4, 0.9])
    with small_blocks():
        counts, degrees = count_within(x, radii), degrees_within(x, radii)
    assert degrees.tolist() == [(every <= radius).sum(1).tolist() for radius in radii]
    assert counts.tolist() == [degree.sum() // 2 for degree in degrees]


def test_one_radius_counts_the_near_duplicates():
    x = np.random.default_rng(0).normal(size=(2500, 30)).astype(np.float32)
    radii = [3.5, 4.5, 6.0, 9.0]
    counts = count_within(x, radii)
    assert 0 < counts[0] < counts[-1] <= 2500 * 2499 // 2
    found = [near_duplicates(x, radius) for radius in radii]
    assert counts.tolist() == [one.pairs for one in found]
    assert degrees_within(x, radii).tolist() == [one.degree.tolist() for one in found]


def test_equal_rows_count_at_every_radius():
    np.testing.assert_array_equal(count_within(np.ones((3000, 5)), [0, 1e-300, 1]), [3000 * 2999 // 2] * 3)


def test_nothing_to_count():
    assert count_within(np.eye(3), []).tolist() == []
    assert degrees_within(np.eye(3), []).shape == (0, 3)
    assert degrees_within(np.zeros((1, 3)), [0, 1]).tolist() == [[0], [0]]
    assert count_within(np.zeros((1, 3)), [0, 1]).tolist() == [0, 0]


@pytest.mark.parametrize("radii", [[-1.0], [2.0, 1.0], [np.nan], [[1.0]], 1.0])
def test_radii_that_are_no_ascending_distances_are_refused(radii):
    for counted in (count_within, degrees_within):
        with pytest.raises(UsageError, match="ascending"):
            counted(np.eye(3), radii)
