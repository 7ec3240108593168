import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from didlearn.errors import DataError, UsageError
from didlearn.neighbors import closest_pairs
from didlearn.neighbors.closest import _Best, _LeafByLeaf
from didlearn.neighbors.screening.cascade import Block, Candidates
from didlearn.neighbors.screening.level import Level
from didlearn.neighbors.screening.rows import as_rows

# Rounding may swap the sums of pairs that are mathematically tied; these data have ties only where sums are exact.
RTOL = 1e-12


def assert_same(found, expected):
    np.testing.assert_array_equal(found.first, expected[1])
    np.testing.assert_array_equal(found.second, expected[2])
    np.testing.assert_allclose(found.distance, expected[0], rtol=RTOL, atol=0)


@pytest.mark.parametrize("direct", [1e-9, 100, 1e9], ids=["at once", "usual", "through all levels"])
@pytest.mark.parametrize("k", [1, 20, 10_000])
def test_pairs_are_those_of_brute_force(points, k, direct, oracle, small_blocks):
    with small_blocks(direct):
        found = closest_pairs(points, k)
    assert found.distance.dtype == np.float64
    assert found.first.dtype == found.second.dtype == np.int64
    assert np.all(found.first < found.second)
    assert_same(found, oracle.pairs(points, k))


@pytest.fixture
def by_leaves(monkeypatch):
    """Whether each search that began leaf by leaf ended so."""
    run, ended = _LeafByLeaf.run, []

    def told(search):
        ended.append(run(search))
        return ended[-1]

    monkeypatch.setattr(_LeafByLeaf, "run", told)
    return ended


@pytest.mark.parametrize("leaf", [3, 8])
@pytest.mark.parametrize("k", [1, 20])
def test_leaf_by_leaf_they_are_too(points, k, leaf, oracle, small_blocks, by_leaves):
    with small_blocks(1e-9, leaf=leaf):
        assert_same(closest_pairs(points, k), oracle.pairs(points, k))
    assert len(by_leaves) == 1


def scattered(rows, clusters, width=40):
    """Rows about a few points far from one another, float32, in no order."""
    rng = np.random.default_rng(rows)
    centres = 100 * rng.normal(size=(clusters, width))
    return (centres[rng.integers(0, clusters, rows)] + rng.normal(size=(rows, width))).astype(np.float32)


def test_leaves_that_lie_apart_are_not_compared(oracle, small_blocks, by_leaves, monkeypatch):
    x, looked = scattered(200, 6), []
    bounds = Level.bounds

    def told(level, *block):
        looked.append(block)
        return bounds(level, *block)

    monkeypatch.setattr(Level, "bounds", told)
    with small_blocks(1e-9, leaf=8):
        found = closest_pairs(x, 9)
    assert_same(found, oracle.pairs(x, 9))
    assert by_leaves == [True]
    assert 32 < len(looked) < 32 * 33 / 2 / 3  # each leaf with itself, and few pairs of them


def test_close_pairs_of_neighbouring_leaves_are_found(oracle, small_blocks, by_leaves):
    rng = np.random.default_rng(6)
    x = np.zeros((200, 24), np.float32)
    x[:, 0] = rng.permutation(200) + rng.random(200) / 50  # along a line: the closest are next to one another
    with small_blocks(1e-9, leaf=4):
        assert_same(closest_pairs(x, 60), oracle.pairs(x, 60))
    assert by_leaves == [True]


@pytest.mark.parametrize("threads", [1, 3])
def test_where_sketches_leave_too_many_pairs_all_are_looked_at_again(threads, oracle, small_blocks, by_leaves):
    before = torch.get_num_threads()
    x = np.repeat(scattered(40, 3), 5, axis=0)  # with each row four equal ones
    try:
        torch.set_num_threads(threads)
        with small_blocks(1e9, leaf=8):
            assert_same(closest_pairs(x, 9), oracle.pairs(x, 9))
    finally:
        torch.set_num_threads(before)
    assert by_leaves == [False]


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(0, 30), st.integers(1, 6)), elements=st.integers(-3, 3).map(float)),
    st.integers(0, 60),
    st.sampled_from([1.0, 2.0**-70, 2.0**60]),
)
def test_many_ties_are_broken_by_row(oracle, small_blocks, x, k, scale):
    with small_blocks():
        assert_same(closest_pairs(x * scale, k), oracle.pairs(x * scale, k))


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (25, 3), elements=st.floats(-1e6, 1e6, width=32)), st.integers(1, 40))
def test_any_float32_points(oracle, small_blocks, x, k):
    with small_blocks():
        found = closest_pairs(x, k)
    distance, first, second = oracle.pairs(x, 300)
    np.testing.assert_allclose(found.distance, distance[:k], rtol=1e-12, atol=0)
    all_pairs = dict(zip(zip(first, second, strict=True), distance, strict=True))
    ours = [all_pairs[pair] for pair in zip(found.first, found.second, strict=True)]
    np.testing.assert_allclose(ours, found.distance, rtol=1e-12, atol=0)


def test_full_size_blocks_with_sketches_find_planted_pairs(oracle):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(5000, 160)) * np.geomspace(5, 0.1, 160)).astype(np.float32)
    x[4000:4010] = x[:10] + np.float32(1e-3) * rng.normal(size=(10, 160)).astype(np.float32)
    found = closest_pairs(x, 10)
    assert sorted(found.first) == list(range(10))
    np.testing.assert_array_equal(found.second, found.first + 4000)
    expected = [np.sqrt(((x[i].astype(float) - x[i + 4000].astype(float)) ** 2).sum()) for i in found.first]
    np.testing.assert_allclose(found.distance, expected, rtol=1e-12)
    assert np.all(np.diff(found.distance) >= 0)


def test_of_many_equal_rows_the_first_count():
    found = closest_pairs(np.full((3000, 4), 0.1, np.float32), 20)
    assert found.first.tolist() == [0] * 20
    assert found.second.tolist() == list(range(1, 21))
    assert not found.distance.any()


def test_full_size_blocks_agree_with_a_matrix_of_distances():
    x = np.random.default_rng(1).normal(size=(3000, 40))
    found = closest_pairs(x, 50)
    square = (x**2).sum(1)
    every = np.sqrt(np.maximum(square[:, None] + square - 2 * x @ x.T, 0))
    every[np.tril_indices(3000)] = np.inf
    order = np.argsort(every, axis=None)[:50]
    np.testing.assert_array_equal(found.first * 3000 + found.second, order)


@pytest.mark.parametrize("points", ["float32", "bytes", "near copies"], indirect=True)
def test_block_size_and_threads_change_no_bit(points, small_blocks):
    results = []
    before = torch.get_num_threads()
    try:
        for threads, panel, step in ((1, 48, 20), (2, 48, 20), (1, 17, 13), (2, 4096, 1000)):
            torch.set_num_threads(threads)
            with small_blocks(panel=panel, step=step):
                results.append(closest_pairs(points, 40))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        for got, expected in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_threads_change_no_bit_at_full_size():
    x = np.random.default_rng(2).normal(size=(2000, 300)).astype(np.float32)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = closest_pairs(x, 100)
        torch.set_num_threads(2)
        together = closest_pairs(x, 100)
    finally:
        torch.set_num_threads(before)
    for got, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_limit_that_others_lower_meanwhile_changes_nothing(monkeypatch, oracle, small_blocks):
    """The mistake this sees: read twice for one set of pairs, the limit chose more first rows than second ones."""
    found, reads = vars(_Best)["limit"].fget, itertools.count()
    monkeypatch.setattr(_Best, "limit", property(lambda best: found(best) if next(reads) % 2 else np.inf))
    points = np.random.default_rng(4).normal(size=(300, 8))
    with small_blocks(direct=1e-3):
        pairs = closest_pairs(points, 9)
    for ours, true in zip(pairs, oracle.pairs(points, 9), strict=True):
        np.testing.assert_array_equal(ours, true)


@pytest.mark.parametrize("kind", ["floats", "bytes", "repeated"])
def test_many_threads_at_once_change_nothing(kind, oracle, small_blocks):
    """A race shows now and then: small blocks, more threads than cores, again and again."""
    rng, threads = np.random.default_rng(5), torch.get_num_threads()
    try:
        torch.set_num_threads(6)
        for _ in range(10):
            points = rng.integers(0, 256, (160, 20)).astype(np.uint8) if kind == "bytes" else rng.normal(size=(160, 20))
            points = points[rng.integers(0, 90, 160)] if kind == "repeated" else points
            with small_blocks(direct=1.0, eight_bit=True):
                pairs = closest_pairs(points, 12)
            for ours, true in zip(pairs, oracle.pairs(points, 12), strict=True):
                np.testing.assert_array_equal(ours, true)
    finally:
        torch.set_num_threads(threads)


def test_shuffling_the_rows_shuffles_the_pairs():
    rng = np.random.default_rng(3)
    x, order = rng.normal(size=(400, 33)), rng.permutation(400)
    straight, shuffled = closest_pairs(x, 30), closest_pairs(x[order], 30)
    np.testing.assert_array_equal(straight.distance, shuffled.distance)
    pairs = {tuple(sorted(p)) for p in zip(order[shuffled.first], order[shuffled.second], strict=True)}
    assert pairs == set(zip(straight.first, straight.second, strict=True))


def test_a_power_of_two_scales_the_distances_exactly():
    x = np.random.default_rng(4).normal(size=(200, 20))
    for scale in (2.0**-300, 2.0**-80, 2.0**90, 2.0**400):
        np.testing.assert_array_equal(closest_pairs(x * scale, 9).distance, closest_pairs(x, 9).distance * scale)


def test_among_equal_pairs_an_earlier_one_still_enters():
    (rows,) = as_rows(np.ones((9, 3)))
    best = _Best(rows, 2)
    for first, second in (([4, 4], [5, 8]), ([5, 4], [6, 6])):
        best.offer(Candidates(torch.tensor(first), torch.tensor(second), torch.zeros(len(first)).double()))
    assert best.pairs.first.tolist() == [4, 4]
    assert best.pairs.second.tolist() == [5, 6]
    assert best.open(Block(slice(0, 9), slice(0, 9))).rows == slice(0, 5)
    assert best.open(Block(slice(5, 9), slice(5, 9))) is None


def test_the_smallest_numbers_there_are():
    found = closest_pairs(np.array([[0.0], [5e-324], [2e-323]]))
    assert found.distance.tolist() == [5e-324, 1.5e-323, 2e-323]


def test_bytes_are_taken_as_they_are():
    x = np.array([[0, 0], [255, 0], [0, 3]], np.uint8)
    assert closest_pairs(x).distance.tolist() == [3, 255, np.hypot(255, 3)]


def test_inputs_of_every_kind_agree():
    x = np.random.default_rng(6).integers(0, 200, (50, 3, 2, 2))
    expected = closest_pairs(x.astype(np.uint8), 7)
    frozen = x.astype(np.float64)
    frozen.flags.writeable = False
    strided = np.repeat(x.astype(np.float32), 2, axis=3)[..., ::2]
    kinds: list[Any] = [
        x,
        x.astype(np.float32),
        frozen,
        strided,
        x.astype(">f4"),
        x.astype(np.int16),
        x.astype(np.float16),
    ]
    kinds += [torch.from_numpy(x), torch.from_numpy(x).bfloat16(), torch.from_numpy(x).float().requires_grad_()]
    kinds += [x.tolist(), x.astype(np.float32).reshape(50, -1)[::-1][::-1]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in kinds:
            for got, want in zip(closest_pairs(kind, 7), expected, strict=True):
                np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (0, 0), (1, 0)])
def test_fewer_than_two_rows_have_no_pairs(shape):
    assert [len(part) for part in closest_pairs(np.zeros(shape))] == [0, 0, 0]


def test_no_pairs_asked_for():
    assert [len(part) for part in closest_pairs(np.eye(4), 0)] == [0, 0, 0]


def test_rows_without_values_are_equal():
    assert closest_pairs(np.zeros((3, 0))).distance.tolist() == [0, 0, 0]


def test_the_input_is_left_alone():
    x = np.random.default_rng(7).normal(size=(60, 8)).astype(np.float32) * np.float32(1e25)
    before = x.copy()
    closest_pairs(x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad):
    x = np.zeros((5, 3), np.float32)
    x[3, 1] = bad
    with pytest.raises(DataError, match="NaN or infinity"):
        closest_pairs(x)


@pytest.mark.parametrize(("x", "message"), [(np.zeros(5), r"shape \(5,\)"), (np.zeros((2, 2), complex), "complex")])
def test_what_are_no_points_is_refused(x, message):
    with pytest.raises(DataError, match=message):
        closest_pairs(x)


def test_a_negative_number_of_pairs_is_refused():
    with pytest.raises(UsageError, match="k must be 0 or more, got -1"):
        closest_pairs(np.eye(3), -1)


def test_coarse_matrix_products_do_not_reach_the_bounds(oracle):
    x = np.random.default_rng(8).normal(size=(300, 64)).astype(np.float32) + 3
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        found = closest_pairs(x, 20)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert_same(found, oracle.pairs(x, 20))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_changes_no_bit(points):
    for got, want in zip(closest_pairs(points, 30, device="cuda"), closest_pairs(points, 30), strict=True):
        np.testing.assert_array_equal(got, want)
