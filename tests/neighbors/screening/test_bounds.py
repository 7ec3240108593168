"""Thresholds count every error of the coordinates, worked out by hand."""

import pytest
import torch

from didlearn.neighbors.screening.bounds import TILE, Bounds


def bounds(lower, error_i, error_j, doubt):
    padded = torch.full((len(lower), 2 * TILE), torch.inf)
    padded[:, : len(lower[0])] = torch.tensor(lower)
    return Bounds(
        padded,
        *(torch.tensor(e, dtype=torch.float64) for e in (error_i, error_j, doubt, [0.0] * len(error_j))),
    )


def found(block, limit):
    limits = torch.full((block.height,), limit, dtype=torch.float64)
    parts = list(block.pairs(limits, block.alive(limits)))
    return {(int(r), int(c)) for row, column, _ in parts for r, c in zip(row, column, strict=True)}


def test_a_pair_is_left_as_long_as_its_errors_may_bring_it_within_the_limit():
    block = bounds([[100.0, 100.0], [100.0, 100.0]], [0.0, 3.0], [0.0, 5.0], [0.0, 0.0])
    assert found(block, 10.01) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert found(block, 9.99) == {(0, 1), (1, 0), (1, 1)}
    assert found(block, 6.99) == {(0, 1), (1, 1)}
    assert found(block, 2.01) == {(1, 1)}
    assert found(block, 1.99) == set()


def test_tiles_beyond_the_first_are_looked_at():
    lower = [[9.0] * TILE + [4.0, 9.0]]
    block = bounds(lower, [0.0], [0.0] * len(lower[0]), [0.0])
    assert found(block, 2.5) == {(0, TILE)}


def test_lower_and_upper_bounds_of_a_distance():
    block = bounds([[100.0, 400.0]], [3.0], [0.0, 5.0], [44.0])
    below = block.below(torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert below.tolist() == pytest.approx([7, 12], rel=1e-5)
    assert torch.all(below <= torch.tensor([7, 12]))
    above = block.upper(torch.tensor([100.0])).item()
    assert above == pytest.approx(12 + 3 + 5, rel=1e-5)
    assert above >= 20


def test_a_pair_is_surely_inside_when_all_its_errors_leave_it_there():
    block = bounds([[100.0, 0.0]], [3.0], [0.0, 5.0], [44.0])
    limit = torch.tensor([20.0], dtype=torch.float64)
    assert block.inner(limit).item() == pytest.approx(100, rel=1e-5)
    assert block.inner(limit).item() <= 100
    assert block.inner(limit / 3).item() == -torch.inf
    assert block.outer(limit).item() == pytest.approx(28**2, rel=1e-5)


def test_masked_pairs_are_never_within_any_limit():
    block = bounds([[torch.inf, 1.0]], [0.0], [0.0, 0.0], [0.0])
    assert found(block, torch.inf) == {(0, 1)}
    assert block.inner(torch.tensor([torch.inf])).item() < torch.inf


def test_small_bounds_are_of_different_columns():
    lower = torch.randperm(2 * TILE).float()[None]
    zero = torch.zeros(1, dtype=torch.float64)
    none = torch.zeros(2 * TILE, dtype=torch.float64)
    block = Bounds(lower, zero, none, zero, none)
    for k in (1, 2, 3, 50):
        values, column = block.smallest(k)
        assert values[0, 0] == 0
        assert len(set(column[0].tolist())) == k
        torch.testing.assert_close(lower[0, column[0]], values[0])
    assert block.smallest(2 * TILE + 1) is None
