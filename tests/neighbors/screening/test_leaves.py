"""Rows in leaves of a k-d tree, beside every distance."""

import numpy as np
import pytest
import torch

from didlearn.neighbors.screening.leaves import Leaves


def drawn(rows, kind):
    rng = np.random.default_rng(rows)
    values = rng.normal(size=(rows, 5)) * [8, 4, 2, 1, 0.5]
    if kind == "far":
        values[:, 3] += 1000 * rng.integers(0, 3, rows)
    if kind == "same":
        values[:] = values[0]
    return torch.from_numpy(values).float(), torch.from_numpy(rng.random(rows) / 10)


@pytest.mark.parametrize("kind", ["usual", "far", "same"])
@pytest.mark.parametrize(("rows", "most"), [(1, 4), (64, 8), (101, 7), (40, 40), (41, 40)])
class TestLeaves:
    def test_each_row_lies_in_one_small_leaf(self, rows, most, kind):
        values, errors = drawn(rows, kind)
        leaves = Leaves.of(values, errors, most)
        assert leaves.order.sort().values.tolist() == list(range(rows))
        places = [np.arange(rows)[place] for place in leaves.places]
        assert np.concatenate(places).tolist() == list(range(rows))
        assert all(most / 2 - 1 <= len(place) <= most for place in places) or rows < most

    def test_no_rows_lie_nearer_than_their_leaves_are_said_to(self, rows, most, kind):
        values, errors = drawn(rows, kind)
        leaves = Leaves.of(values, errors, most)
        for number, own in enumerate(leaves.places):
            after = leaves.after(number, np.inf)
            assert sorted(place.start for place, _ in after) == [place.start for place in leaves.places[number + 1 :]]
            for other, apart in after:
                x, y = (values[leaves.order[place]].double() for place in (own, other))
                e, f = (errors[leaves.order[place]] for place in (own, other))
                assert apart <= float((torch.cdist(x, y) - e[:, None] - f).min())
                gap = torch.maximum(x.amin(0) - y.amax(0), y.amin(0) - x.amax(0)).clamp(min=0)
                assert apart == pytest.approx(float(gap.norm() - e.max() - f.max()), rel=1e-8, abs=1e-8)

    def test_those_beyond_a_limit_are_left_out_and_the_nearest_come_first(self, rows, most, kind):
        values, errors = drawn(rows, kind)
        leaves = Leaves.of(values, errors, most)
        for number in range(len(leaves.places)):
            everything = leaves.after(number, np.inf)
            assert [apart for _, apart in everything] == sorted(apart for _, apart in everything)
            for limit in [apart for _, apart in everything]:
                assert leaves.after(number, limit) == [pair for pair in everything if pair[1] <= limit]


def test_rows_far_apart_are_said_to_be():
    values, errors = drawn(90, "far")
    leaves = Leaves.of(values, errors, 10)
    near = sum(len(leaves.after(number, 900)) for number in range(len(leaves.places)))
    assert near < 0.6 * len(leaves.places) * (len(leaves.places) - 1) / 2
