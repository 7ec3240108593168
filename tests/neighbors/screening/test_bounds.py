"""Thresholds count every error of the coordinates, worked out by hand."""

import pytest
import torch

from didlearn.neighbors.screening.bounds import TILE, Bounds, Minima, Room


def bounds(lower, error_i, error_j, doubt):
    padded = torch.full((len(lower), 2 * TILE), torch.inf)
    padded[:, : len(lower[0])] = torch.tensor(lower)
    return Bounds(
        padded,
        *(torch.tensor(e, dtype=torch.float64) for e in (error_i, error_j, doubt, [0.0] * len(error_j))),
    )


def numbered(block, limit):
    """The pairs that may lie within a limit, each as one number."""
    limits = torch.full((block.height,), limit, dtype=torch.float64)
    parts = [row * block.width + column for row, column, _ in block.pairs(limits, block.alive(limits))]
    return torch.cat([torch.empty(0, dtype=torch.int64), *parts]).sort().values


def found(block, limit):
    return {divmod(number, block.width) for number in numbered(block, limit).tolist()}


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


def drawn(rows, columns, seen):
    """Bounds of chance in padded memory, their minima found as they were made if ``seen``, and the room of others."""
    generator = torch.Generator().manual_seed(rows)
    room, other = (Room(torch.float32, torch.device("cpu")) for _ in range(2))
    padded = room.padded(rows, columns)
    padded[:rows, :columns] = torch.rand(rows, columns, generator=generator)
    draws = [torch.rand(n, generator=generator, dtype=torch.float64) / 100 for n in (rows, columns, rows, columns)]
    errors = dict(zip(("error_i", "error_j", "doubt_i", "doubt_j"), draws, strict=True))
    minima = Minima(padded)
    for start in range(0, rows, 2 * TILE):
        minima.see(start, min(start + 2 * TILE, rows))
    least, across = minima.within(rows, columns) if seen else (None, None)
    return Bounds(padded, **errors, least=least, least_across=across), other


def as_copied(lower, like):
    padded = torch.full((len(lower), -(-lower.shape[1] // TILE) * TILE), torch.inf)
    padded[:, : lower.shape[1]] = lower
    return Bounds(padded, like.error_i, like.error_j, like.doubt_i, like.doubt_j)


def same(block, lower, limit=0.9):
    """Whether a block says of a limit what bounds do that were written down afresh, and has their minima."""
    fresh = as_copied(lower, block)
    tiles = fresh.minima().shape[1]
    assert torch.equal(block.minima()[:, :tiles], fresh.minima())
    assert torch.all(block.minima()[:, tiles:] == torch.inf)
    pairs = numbered(fresh, limit)
    return len(pairs) > 0 and torch.equal(numbered(block, limit), pairs)


SHAPES = [(200, 500), (TILE, 5 * TILE), (3, 2), (515, 127)]


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
class TestViews:
    def test_columns_see_what_rows_see(self, rows, columns, seen):
        block, other = drawn(rows, columns, seen)
        assert same(block, block.lower.clone())
        turned = block.turned(other)
        assert same(turned, block.lower.T.clone())
        row, column = torch.tensor([0, rows - 1, rows // 2]), torch.tensor([columns - 1, 0, columns // 2])
        for bound in ("below", "above"):
            near = getattr(block, bound)(row, column)
            torch.testing.assert_close(getattr(turned, bound)(column, row), near, rtol=1e-12, atol=0)

    def test_what_a_view_hides_its_owner_still_sees(self, rows, columns, seen):
        block, other = drawn(rows, columns, seen)
        before = block.lower.clone()
        turned = block.turned(other)
        hidden = turned.lower < 0.05
        turned.hide(hidden)
        assert same(turned, before.T.masked_fill(hidden, torch.inf))
        assert same(block, before)

    @pytest.mark.parametrize("turn", [False, True])
    def test_hidden_pairs_are_out_of_the_minima(self, rows, columns, seen, turn):
        block, other = drawn(rows, columns, seen)
        block = block.turned(other) if turn else block
        lower = block.lower.clone()
        least = lower.argmin(1)
        each = torch.arange(block.height)
        block.hide_pairs(each, least)
        lower[each, least] = torch.inf
        assert same(block, lower)
        some = torch.tensor([0, block.height - 1])
        lower[some, 0] = torch.inf
        block.put(some, lower[some])
        assert same(block, lower)
        half = slice(block.height // 2, None)
        hidden = lower[half] < 0.1
        block.hide(hidden, half)
        lower[half] = lower[half].masked_fill(hidden, torch.inf)
        assert same(block, lower)

    def test_pairs_are_told_apart_row_by_row(self, rows, columns, seen):
        block, other = drawn(rows, columns, seen)
        for view in (block, block.turned(other)):
            inner = torch.linspace(0.1, 0.5, view.height)
            sure, open_ = view.told(slice(1, None), inner, inner + 0.2)
            lower = view.lower[1:]
            assert torch.equal(sure, lower <= inner[1:, None])
            assert torch.equal(open_, (lower > inner[1:, None]) & (lower <= inner[1:, None] + 0.2))
