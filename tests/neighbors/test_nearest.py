import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from didlearn.errors import DataError, UsageError
from didlearn.neighbors import nearest
from tests.neighbors.conftest import crossed


def assert_same(found, expected):
    np.testing.assert_array_equal(found.index, expected[1])
    np.testing.assert_allclose(found.distance, expected[0], rtol=1e-12, atol=0)


@pytest.mark.parametrize(("points", "k", "direct", "eight_bit"), crossed(1, 4, 45), indirect=["points"])
def test_neighbours_are_those_of_brute_force(points, k, direct, eight_bit, oracle, small_blocks):
    exclude = np.arange(len(points))
    exclude[::4] = -1
    with small_blocks(direct, eight_bit=eight_bit):
        assert_same(nearest(points, points, k, exclude=exclude), oracle.nearest(points, points, k, exclude))
        if k == 4:  # what follows has a number of its own: once is enough
            assert_same(nearest(points[:31], points[20:], 9), oracle.nearest(points[:31], points[20:], 9))


@pytest.mark.parametrize(("points", "k", "direct", "eight_bit"), crossed(1, 4, 45), indirect=["points"])
def test_nearest_others_are_those_of_brute_force(points, k, direct, eight_bit, oracle, small_blocks):
    """Mistakes seen: a pair that counts twice for one row, a square on the diagonal seen from one end only."""
    own = np.arange(len(points))
    with small_blocks(direct, eight_bit=eight_bit):
        assert_same(nearest(points, points, k, exclude=own), oracle.nearest(points, points, k, own))


def test_others_are_the_same_in_blocks_of_full_size():
    """More rows than a panel, with copies: as found by queries in another array."""
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(5000, 40)) * np.geomspace(5, 0.1, 40)).astype(np.float32)
    x[4200:4400] = x[:200]
    x[100:160] = x[5]
    own = np.arange(len(x))
    for k in (1, 3):
        assert_same(nearest(x, x, k, exclude=own), tuple(nearest(x.copy(), x, k, exclude=own)))


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (14, 3), elements=st.integers(-2, 2).map(float)),
    arrays(np.float64, st.tuples(st.integers(4, 30), st.just(3)), elements=st.integers(-2, 2).map(float)),
    st.integers(0, 3),
    st.lists(st.integers(-1, 3), min_size=14, max_size=14),
)
def test_ties_go_to_the_lower_row(oracle, small_blocks, query, reference, k, exclude):
    with small_blocks():
        found = nearest(query, reference, k, exclude=np.array(exclude))
    assert_same(found, oracle.nearest(query, reference, k, exclude))


def test_full_size_blocks_with_sketches(oracle):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(3000, 200)) * np.geomspace(5, 0.1, 200)).astype(np.float32)
    x[2000:] = x[:1000]
    x[100:160] = x[5]
    exclude = np.arange(120)
    for k in (1, 3, 50):
        found = nearest(x[:120], x, k, exclude=exclude)
        square = [((x[i].astype(float) - x.astype(float)) ** 2).sum(1) for i in range(120)]
        distance = np.sqrt(np.array(square))
        distance[exclude, exclude] = np.inf
        order = np.argsort(distance, 1, kind="stable")[:, :k]
        assert_same(found, (np.take_along_axis(distance, order, 1), order))


@pytest.mark.parametrize("points", ["float32", "bytes", "near copies"], indirect=True)
def test_block_size_and_threads_change_no_bit(points, small_blocks):
    results = []
    before = torch.get_num_threads()
    try:
        for threads, panel, step in ((1, 48, 20), (2, 48, 20), (1, 17, 13), (2, 4096, 1000)):
            torch.set_num_threads(threads)
            with small_blocks(panel=panel, step=step):
                own = nearest(points, points, 3, exclude=np.arange(len(points)))
                results.append([*nearest(points[:40], points, 3), *own])
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        for got, want in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(got, want)


def test_queries_of_another_type_and_shape():
    reference = np.random.default_rng(1).integers(0, 256, (40, 3, 2, 2)).astype(np.uint8)
    found = nearest(reference[:9].reshape(9, 12).astype(np.float64) + 0.25, reference)
    assert found.index[:, 0].tolist() == list(range(9))
    np.testing.assert_array_equal(found.distance[:, 0], np.sqrt(12 * 0.25**2))


def test_an_image_repeated_everywhere_is_met_once_per_neighbour():
    reference = np.zeros((3000, 30), np.float32)
    found = nearest(np.ones((5, 30), np.float32), reference, 3, exclude=np.array([0, 1, 2, -1, 2999]))
    assert found.index.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2]]
    np.testing.assert_array_equal(found.distance, np.full((5, 3), np.sqrt(30)))


def test_nothing_to_do():
    assert nearest(np.zeros((0, 3)), np.zeros((5, 3)), 2).distance.shape == (0, 2)
    assert nearest(np.zeros((4, 3)), np.zeros((5, 3)), 0).index.shape == (4, 0)
    assert nearest(np.zeros((4, 3)), np.zeros((0, 3)), 0).index.shape == (4, 0)
    assert nearest(np.zeros((2, 3)), np.zeros((1, 3))).index.tolist() == [[0], [0]]


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="6 neighbours were asked for and the reference has 5"):
        nearest(np.zeros((2, 3)), np.zeros((5, 3)), 6)
    with pytest.raises(DataError, match="5 neighbours were asked for and the reference has 4"):
        nearest(np.zeros((2, 3)), np.zeros((5, 3)), 5, exclude=np.array([-1, 0]))
    with pytest.raises(DataError, match="the reference has 0"):
        nearest(np.zeros((2, 3)), np.zeros((0, 3)))


def test_unlike_widths_are_refused():
    with pytest.raises(DataError, match="points of 2 and of 3 values"):
        nearest(np.zeros((2, 3)), np.zeros((5, 2)))


def test_nan_in_either_set_is_refused():
    good, bad = np.zeros((4, 2)), np.full((4, 2), np.nan)
    for query, reference in ((good, bad), (bad, good)):
        with pytest.raises(DataError, match="NaN"):
            nearest(query, reference)


@pytest.mark.parametrize(
    ("exclude", "message"),
    [(np.zeros(3, int), "one row number per query"), (np.zeros(2), "float64"), (np.array([0, 5]), "between -1 and 4")],
)
def test_what_cannot_be_excluded_is_refused(exclude, message):
    with pytest.raises(UsageError, match=message):
        nearest(np.zeros((2, 3)), np.zeros((5, 3)), exclude=exclude)


def test_a_negative_number_of_neighbours_is_refused():
    with pytest.raises(UsageError, match="got -2"):
        nearest(np.eye(3), np.eye(3), -2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_changes_no_bit(points):
    for got, want in zip(nearest(points, points, 5, device="cuda"), nearest(points, points, 5), strict=True):
        np.testing.assert_array_equal(got, want)
