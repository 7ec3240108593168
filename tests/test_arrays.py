"""Bytes that stand for fractions: to numpy the array they stand for, to the search for neighbours bytes."""

import numpy as np
import pytest

from didlearn.arrays import BytePoints, joined
from didlearn.neighbors import closest_pairs, count_within, near_duplicates, nearest
from didlearn.neighbors.balls import count_in_balls


@pytest.fixture
def stored():
    return np.random.default_rng(0).integers(0, 256, (120, 30)).astype(np.uint8)


def test_they_are_the_array_of_their_numbers(stored):
    points, numbers = BytePoints.of(stored), stored.astype(np.float32) / np.float32(255)
    assert (points.shape, points.dtype, points.ndim, len(points)) == (numbers.shape, numbers.dtype, 2, 120)
    assert points.nbytes == stored.nbytes == numbers.nbytes // 4
    np.testing.assert_array_equal(np.asarray(points), numbers)
    np.testing.assert_array_equal(points.astype(np.float64), numbers.astype(np.float64))
    np.testing.assert_array_equal(points[3], numbers[3])
    np.testing.assert_array_equal(points[3:9, 2], numbers[3:9, 2])
    np.testing.assert_array_equal(numbers[[1, 5]] - points[np.array([5, 1])], numbers[[1, 5]] - numbers[[5, 1]])
    assert np.sqrt(np.square(points).sum()) == pytest.approx(np.linalg.norm(numbers), rel=1e-5)


def test_some_of_them_are_bytes_still(stored):
    points = BytePoints.of(stored)
    for some in (slice(2, 9), np.array([4, 1]), np.arange(120) % 2 == 0):
        assert isinstance(points[some], BytePoints)
        np.testing.assert_array_equal(np.asarray(points[some]), np.asarray(points)[some])
    assert np.shares_memory(BytePoints(stored)[2:9].stored, stored)


def test_joined_with_bytes_they_stay_and_with_an_array_they_do_not(stored):
    points, numbers = BytePoints.of(stored), np.ones((2, 30), np.float32)
    assert isinstance(joined([points, points[:3]]), BytePoints)
    np.testing.assert_array_equal(joined([points, points[:3]]), np.concatenate([points, points[:3]]))
    np.testing.assert_array_equal(joined([points, numbers]), np.concatenate([np.asarray(points), numbers]))


def test_distances_are_those_of_the_fractions(stored):
    """In units of the fractions, not of the bytes; beside an array they are one; a copy lies at zero."""
    stored[7] = stored[3]
    points = BytePoints.of(stored)
    exact = stored.astype(np.float64) / 255
    distance = np.linalg.norm(exact[:, None] - exact, axis=2)
    np.fill_diagonal(distance, np.inf)
    radius = float(np.quantile(distance[distance < np.inf], 0.1))
    found = nearest(points, points, exclude=np.arange(120))
    np.testing.assert_allclose(found.distance[:, 0], distance.min(1), rtol=1e-12)
    np.testing.assert_array_equal(found.index[:, 0], distance.argmin(1))
    np.testing.assert_allclose(nearest(points, np.asarray(points), 2).distance[:, 1], distance.min(1), rtol=1e-6)
    assert near_duplicates(points, radius).pairs == (distance <= radius).sum() // 2
    assert count_within(points, [0.0, radius]).tolist() == [1, (distance <= radius).sum() // 2]
    inside = count_in_balls(points, np.full(120, radius), points[:50])
    assert (inside.of_centre == (distance[:, :50] <= radius).sum(1) + (np.arange(120) < 50)).all()
    assert closest_pairs(points, 1).distance[0] == 0
