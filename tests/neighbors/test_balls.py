"""Points within balls: against all distances, with ties, copies and odd scales.

Mistakes seen: a rim that does not count, pairs settled twice, another scale for radii than for rows, a block forgotten.
"""

import numpy as np
import pytest
import torch

from didlearn.errors import DataError
from didlearn.neighbors import nearest
from didlearn.neighbors.balls import count_in_balls, count_in_both, count_in_own
from tests.neighbors.conftest import crossed


def brute(centres, radii, points):
    inside = np.stack([np.sqrt(np.square(points - c).sum(1)) <= r for c, r in zip(centres, radii, strict=True)])
    return inside.sum(1), inside.sum(0)


def agrees(centres, radii, points):
    found = count_in_balls(centres, radii, points)
    wanted = brute(np.asarray(centres, np.float64), radii, np.asarray(points, np.float64))
    return all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("width", [2, 30, 300])
def test_against_all_distances(width, scale):
    rng = np.random.default_rng(width)
    centres, points = rng.normal(size=(100, width)) * scale, rng.normal(size=(2500, width)) * scale
    radii = nearest(centres, centres, 4, exclude=np.arange(100)).distance[:, -1]
    assert agrees(centres, radii, points)
    assert agrees(points[:100], radii * rng.uniform(0, 2, 100), centres)


@pytest.mark.parametrize(("points", "direct", "eight_bit"), crossed(), indirect=["points"])
def test_both_ways_at_once(points, direct, eight_bit, oracle, small_blocks):
    """Counts around either set, and within one, are those of all distances; radii are distances of the set itself."""
    distance = oracle.distances(points, points)
    radii = np.sort(distance, 1)[np.arange(len(points)), np.arange(len(points)) % 9]
    half = len(points) // 2
    inside = distance <= radii[:, None]
    with small_blocks(direct, eight_bit=eight_bit):
        left, right = count_in_both((points[:half], radii[:half]), (points[half:], radii[half:]))
        own = count_in_own(points, radii)
    for found, wanted in (
        (left, inside[:half, half:]),
        (right, inside[half:, :half]),
        (own, inside & ~np.eye(len(points), dtype=bool)),
    ):
        assert found.of_centre.tolist() == wanted.sum(1).tolist()
        assert found.of_point.tolist() == wanted.sum(0).tolist()


def test_both_ways_in_blocks_of_full_size():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(5000, 12)).astype(np.float32), rng.normal(size=(1300, 12)).astype(np.float32)
    y[:300] = x[4500:4800]
    near, far = rng.uniform(0, 5, len(x)), rng.uniform(0, 5, len(y))
    both = count_in_both((x, near), (y, far))
    for found, wanted in zip(both, (count_in_balls(x, near, y), count_in_balls(y, far, x)), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
    own, wanted = count_in_own(x, near), count_in_balls(x, near, x)
    assert all(np.array_equal(a, b - 1) for a, b in zip(own, wanted, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_ties_lie_on_the_rim_and_inside(dtype):
    rng = np.random.default_rng(0)
    for width in (1, 3, 5):
        centres, points = (
            rng.integers(0, 4, (400, width)).astype(dtype),
            rng.integers(0, 4, (1300, width)).astype(dtype),
        )
        assert agrees(centres, nearest(centres, centres, 2, exclude=np.arange(400)).distance[:, -1], points)


def test_copies_lie_in_balls_of_radius_zero():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(50, 20)).astype(np.float32)
    points = np.repeat(rows, 60, axis=0)
    found = count_in_balls(rows, np.zeros(50), points)
    assert (found.of_centre == 60).all()
    assert (found.of_point == 1).all()
    assert count_in_balls(rows, np.zeros(50), rows.astype(np.float64) + 1e-9).of_point.sum() == 0


def test_everything_in_every_ball():
    found = count_in_balls(np.eye(200), np.full(200, 5.0), np.zeros((3000, 200)))
    assert (found.of_centre == 3000).all()
    assert (found.of_point == 200).all()


def test_nothing_to_count():
    found = count_in_balls(np.zeros((0, 3)), np.zeros(0), np.zeros((4, 3)))
    assert found.of_centre.shape == (0,)
    assert (found.of_point == 0).all()
    assert (count_in_balls(torch.zeros(4, 3), np.zeros(4), torch.zeros(0, 3)).of_centre == 0).all()


@pytest.mark.parametrize("radii", [[1.0], [1.0, -1.0], [1.0, np.nan]])
def test_radii_that_are_none(radii):
    with pytest.raises(DataError, match="radii must be 2 distances of 0 or more"):
        count_in_balls(np.zeros((2, 3)), radii, np.zeros((4, 3)))


def test_one_centre_among_points_that_all_lie_inside():
    """A single row whose pairs are all sure: its number must stay a list of one."""
    points = np.zeros((300, 4), np.float32)
    points[1:] += 1e-3 * np.arange(1, 300)[:, None]
    counts = count_in_balls(points[:1], [10.0], points)
    assert counts.of_centre.tolist() == [300]
    assert counts.of_point.tolist() == [1] * 300
