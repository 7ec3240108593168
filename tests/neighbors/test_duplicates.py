import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import connected_components

from didlearn.errors import DataError, UsageError
from didlearn.neighbors import Pairs, closest_pairs, count_within, degrees_within, duplicates, near_duplicates


def expected(distance, radius):
    inside = np.triu(distance <= radius, 1)
    count = len(distance)
    following = np.where(inside.any(1), inside.argmax(1), count) if count else np.zeros(0, int)
    _, label = connected_components(inside, directed=False)
    _, first = np.unique(label, return_index=True)
    return inside.sum(), (inside | inside.T).sum(1), following, first[label]


def assert_same(found, wanted):
    assert isinstance(found.pairs, int)
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("direct", [1e-9, 100, 1e9], ids=["at once", "usual", "through all levels"])
def test_duplicates_are_those_of_brute_force(points, direct, oracle, small_blocks):
    distance = oracle.distances(points, points)
    every = distance[np.triu_indices(len(points), 1)]
    between = np.quantile(every, [0.003, 0.05, 0.4]) * (1 + 1e-9)
    with small_blocks(direct):
        for radius in (0, every.min() / 2, *between, every.max() * 2, np.inf):
            assert_same(near_duplicates(points, radius), expected(distance, radius))


def test_a_radius_that_is_a_distance_takes_that_pair(points, small_blocks):
    with small_blocks():
        closest = closest_pairs(points, 30).distance
        for radius in closest[[0, 10, 29]]:
            assert near_duplicates(points, radius).pairs >= np.sum(closest <= radius)
            below = near_duplicates(points, np.nextafter(radius, 0)).pairs if radius else 0
            assert below == np.sum(closest < radius)


def test_chains_are_one_component():
    x = np.random.default_rng(0).permutation(300)[:, None].astype(np.float64)
    x[150:] += 1000
    found = near_duplicates(x, 200)
    assert len(set(found.component)) == 2
    line = np.arange(500.0)[:, None]
    assert near_duplicates(line, 1).component.tolist() == [0] * 500
    assert near_duplicates(line, 0.5).component.tolist() == list(range(500))


# 40 million pairs in three panels: more than float32 counts exactly.
@pytest.mark.parametrize("count", [9_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_thousands_of_equal_rows_are_millions_of_pairs(count):
    found = near_duplicates(np.full((count, 12), 0.7, np.float32), 0.0)
    assert found.pairs == count * (count - 1) // 2
    assert set(found.degree) == {count - 1}
    np.testing.assert_array_equal(found.following, np.arange(1, count + 1))
    assert set(found.component) == {0}


def test_rows_that_are_nearly_equal_are_counted_by_blocks():
    rng = np.random.default_rng(1)
    modes = rng.normal(size=(3, 200))
    mode = rng.integers(0, 3, 6000)
    x = (modes[mode] + 1e-4 * rng.normal(size=(6000, 200))).astype(np.float32)
    found = near_duplicates(x, 1.0)
    sizes = np.bincount(mode)
    assert found.pairs == sum(int(n) * (int(n) - 1) // 2 for n in sizes)
    np.testing.assert_array_equal(found.degree, sizes[mode] - 1)
    np.testing.assert_array_equal(found.component, [np.flatnonzero(mode == m)[0] for m in mode])


@pytest.mark.parametrize("k", [1, 30, 10**9])
def test_pairs_that_are_known_spare_a_search_and_change_nothing(points, k, oracle, monkeypatch):
    """They tell where one lies clearly beyond the radius, or where they are all there are."""
    search, searches = vars(duplicates)["by_tiles"], []

    def noted(*given, **how):
        searches.append(given)
        return search(*given, **how)

    monkeypatch.setattr(duplicates, "by_tiles", noted)
    known, distance = closest_pairs(points, k), oracle.distances(points, points)
    whole = len(known.distance) == len(points) * (len(points) - 1) // 2
    near, far = known.distance[[0, -1]]
    for radius in (0.0, near * (1 - 1e-9), near, (near + far) / 2, far, far * (1 + 1e-9)):
        searches.clear()
        assert_same(near_duplicates(points, radius, closest=known), expected(distance, radius))
        told = radius not in known.distance and (whole or radius < far)
        assert bool(searches) != told


@pytest.mark.parametrize("rows", [0, 1])
def test_of_one_row_or_none_nothing_is_to_be_known(rows):
    empty = Pairs(*(np.empty(0, kind) for kind in (np.float64, np.int64, np.int64)))
    assert near_duplicates(np.zeros((rows, 2)), 1.0, closest=empty).pairs == 0


@pytest.mark.parametrize("kind", ["spread", "equal"])
def test_many_threads_at_once_change_nothing(kind, oracle, small_blocks):
    """Of more threads than cores each has its own counts, that add up whatever block each of them meets."""
    rng, threads = np.random.default_rng(5), torch.get_num_threads()
    try:
        torch.set_num_threads(6)
        for _ in range(5):
            x = rng.normal(size=(180, 40)).astype(np.float32)
            if kind == "equal":
                x[rng.random(180) < 0.5] = x[rng.integers(3)]
            distance = oracle.distances(x, x)
            radii = np.quantile(distance, [0.02, 0.2]) * (1 + 1e-9)
            inside = distance[None] <= radii[:, None, None]
            with small_blocks(panel=48, step=20):
                assert_same(near_duplicates(x, radii[0]), expected(distance, radii[0]))
                np.testing.assert_array_equal(count_within(x, radii), np.triu(inside, 1).sum((1, 2)))
                np.testing.assert_array_equal(degrees_within(x, radii), inside.sum(2) - 1)
    finally:
        torch.set_num_threads(threads)


def test_threads_change_nothing():
    x = np.random.default_rng(2).normal(size=(1500, 20)).astype(np.float32)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(near_duplicates(x, 3.0))
    finally:
        torch.set_num_threads(before)
    assert results[0].pairs > 100
    assert_same(results[0], results[1])


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_rows(count):
    found = near_duplicates(np.zeros((count, 3)), 1.0)
    assert_same(found, (0, [0] * count, [1] * count, [0] * count))


@pytest.mark.parametrize("radius", [-1e-9, np.nan])
def test_what_is_no_radius_is_refused(radius):
    with pytest.raises(UsageError, match="a radius must be 0 or more"):
        near_duplicates(np.eye(3), radius)


def test_nan_is_refused():
    with pytest.raises(DataError, match="NaN"):
        near_duplicates(np.full((3, 3), np.nan), 1.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_changes_nothing(points):
    radius = float(closest_pairs(points, 50).distance[-1])
    assert_same(near_duplicates(points, radius, device="cuda"), near_duplicates(points, radius))
