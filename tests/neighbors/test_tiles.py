"""Searches over pairs cut into tiles: the answers of whole searches, wherever the tiles are looked at."""

import importlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext

import numpy as np
import pytest

from didlearn.arrays import BytePoints
from didlearn.neighbors import balls, closest_pairs, count_within, degrees_within, near_duplicates, nearest, tiles
from didlearn.neighbors.balls import count_in_balls, count_in_both, count_in_own
from didlearn.neighbors.screening import triangle, walk
from didlearn.neighbors.screening.cascade import PANEL_ROWS
from didlearn.neighbors.screening.rows import as_rows
from didlearn.units import cluster as module
from didlearn.units.cluster import Cluster

NEAREST = importlib.import_module("didlearn.neighbors.nearest")  # the package's name of it is the function
PANEL, BLOCK = 512, 144  # an eighth of what they are: three panels of few points
COUNT, FEWER = 1_125, 625


def clumps(seed, count=COUNT):
    """Clusters of points with equal ones and near ones among them, so that every radius below meets some."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count // 3, 6))[rng.integers(count // 3, size=count)]
    return np.where(rng.random((count, 1)) < 0.3, points, points + 0.01 * rng.normal(size=points.shape))


POINTS, OTHERS = clumps(1), clumps(2, FEWER)
RADII = np.random.default_rng(3).uniform(0, 1.5, COUNT)
SEARCHES: dict[str, Callable[[], Sequence[object]]] = {
    "closest_pairs": lambda: closest_pairs(POINTS, 600),
    "closest_pairs, all equal": lambda: closest_pairs(np.zeros((COUNT, 2)), 3),
    "nearest": lambda: nearest(POINTS, OTHERS, 3),
    "nearest, but one": lambda: nearest(POINTS, OTHERS, 2, exclude=np.arange(COUNT) % len(OTHERS)),
    "nearest others": lambda: nearest(POINTS, POINTS, 4, exclude=np.arange(COUNT)),
    "near_duplicates": lambda: near_duplicates(POINTS, 0.03),
    "count_within": lambda: [count_within(POINTS, [0.0, 0.01, 0.03, 0.5])],
    "degrees_within": lambda: [degrees_within(POINTS, [0.0, 0.03])],
    "count_in_balls": lambda: count_in_balls(POINTS, RADII, OTHERS),
    "count_in_both": lambda: [
        part for side in count_in_both((POINTS, RADII), (OTHERS, RADII[:FEWER])) for part in side
    ],
    "count_in_own": lambda: count_in_own(POINTS, RADII),
    "bytes": lambda: nearest(*(BytePoints.of((40 * abs(x)).clip(0, 255).astype(np.uint8)) for x in (POINTS, OTHERS))),
}


@pytest.fixture
def sent(monkeypatch):
    """Four workers that are this process; the tiles that they were sent."""
    items = []

    def submit(function, carried, name, item):
        items.append(item)
        future: Future[object] = Future()
        future.set_result(function(carried, name, item))
        return future

    monkeypatch.setattr(tiles, "_WORTH", 1.0)
    monkeypatch.setattr(NEAREST, "STRIP_ROWS", PANEL)
    for where in (balls, tiles, triangle, walk):
        monkeypatch.setattr(where, "PANEL_ROWS", PANEL)
    for where in (balls, NEAREST, triangle, walk):
        monkeypatch.setattr(where, "BLOCK_COLUMNS", BLOCK)
    token = module._CURRENT.set(Cluster("dask", 4, submit, nullcontext))
    yield items
    module._CURRENT.reset(token)


@pytest.mark.parametrize("name", SEARCHES)
def test_tiles_answer_as_the_whole(name, sent):
    token = module._CURRENT.set(None)
    whole = SEARCHES[name]()
    module._CURRENT.reset(token)
    assert not sent
    found = SEARCHES[name]()
    assert len(sent) >= 2
    for a, b in zip(whole, found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_processes_of_this_machine_are_sent_nothing(sent):
    here = Cluster("loky", 4, lambda *_: pytest.fail("it was sent"), nullcontext)
    token = module._CURRENT.set(here)
    nearest(POINTS, OTHERS)
    module._CURRENT.reset(token)
    nearest(POINTS, OTHERS)
    assert sent


def test_small_searches_stay_here(sent, monkeypatch):
    monkeypatch.setattr(tiles, "_WORTH", 1e12)
    nearest(POINTS, OTHERS)
    assert not sent


def test_what_costs_more_in_tiles_is_sent_to_more_workers_than_that(sent):
    token = module._CURRENT.set(Cluster("dask", 2, lambda *_: pytest.fail("it was sent"), nullcontext))
    nearest(POINTS, POINTS, exclude=np.arange(COUNT))
    module._CURRENT.reset(token)
    nearest(POINTS, POINTS, exclude=np.arange(COUNT))
    assert sent


@pytest.mark.parametrize("triangle", [True, False])
@pytest.mark.parametrize("count", [1, 4_096, 50_000, 200_000])
def test_tiles_are_whole_panels_worth_sending_that_hold_each_row_once(count, triangle):
    width = 3_072
    parts = tiles._parts(count, count, width, triangle=triangle)
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == count
    assert all(part.start % PANEL_ROWS == 0 for part in parts)
    for part in parts[:-1]:
        rows = part.stop - part.start
        assert rows * width * (count - triangle * (part.start + part.stop) / 2) >= tiles._WORTH


def test_of_no_rows_there_is_one_tile_here(sent):
    (rows,) = as_rows(np.zeros((0, 3)))
    assert tiles.by_tiles(lambda part: (part.start, part.stop), rows, rows) == [(0, 0)]
    assert not sent
