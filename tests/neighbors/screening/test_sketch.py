"""The law of a bound: it never exceeds the distance, and it is not empty."""

import numpy as np
import pytest
import torch

from didlearn.neighbors.screening import level, levels
from didlearn.neighbors.screening.rows import as_rows
from didlearn.neighbors.screening.sketch import Components, Sketch


def scaled(rows, distance):
    return torch.from_numpy(distance) * rows.scale


@pytest.mark.parametrize("eight_bit", [False, True])
def test_no_bound_exceeds_the_distance(points, eight_bit, oracle, small_blocks):
    rows = as_rows(points)[0]
    true = scaled(rows, oracle.distances(points, points))
    everything = slice(0, len(rows))
    column = torch.arange(len(rows)).expand_as(true)
    with small_blocks(eight_bit=eight_bit):
        for step in (*levels.sketched(rows, rows, 0), *levels.whole(rows, rows)):
            step.hold(everything)
            bounds = step.bounds(everything, everything)
            assert torch.all(bounds.below(column.T, column) <= true * (1 + 1e-12))


@pytest.mark.parametrize("eight_bit", [False, True])
def test_bounds_of_all_coordinates_hold_from_above_too(points, eight_bit, oracle, small_blocks):
    rows = as_rows(points)[0]
    true = scaled(rows, oracle.distances(points, points))
    everything = slice(0, len(rows))
    with small_blocks(eight_bit=eight_bit):
        for step in levels.whole(rows, rows):
            step.hold(everything)
            bounds = step.bounds(everything, everything)
            for column in range(len(rows)):
                assert torch.all(bounds.upper(bounds.lower[:, column]) >= true[:, column] * (1 - 1e-12))
            j = torch.arange(len(rows)).expand_as(true)
            above = bounds.above(j.T, j)
            assert torch.all(above >= true * (1 - 1e-12))
            turned = step.turned(bounds)
            torch.testing.assert_close(turned.above(j, j.T), above, rtol=1e-12, atol=0)
            torch.testing.assert_close(turned.below(j, j.T), bounds.below(j.T, j), rtol=1e-12, atol=0)


def test_thresholds_sort_pairs_as_the_distance_does(points, oracle, small_blocks):
    rows = as_rows(points)[0]
    true = scaled(rows, oracle.distances(points, points))
    everything = slice(0, len(rows))
    with small_blocks():
        for step in levels.whole(rows, rows):
            step.hold(everything)
            bounds = step.bounds(everything, everything)
            for radius in true.flatten().quantile(torch.tensor([0.1, 0.5, 0.9]).double()):
                limit = radius.expand(len(rows))
                assert not torch.any((bounds.lower <= bounds.inner(limit)[:, None]) & (true > radius * (1 + 1e-12)))
                assert not torch.any((bounds.lower > bounds.outer(limit)[:, None]) & (true <= radius))


@pytest.mark.parametrize("offset", [0, 1e3])
def test_bounds_are_tight_wherever_the_data_lie(offset):
    rows = as_rows((np.random.default_rng(0).normal(size=(200, 500)) + offset).astype(np.float32))[0]
    everything = slice(0, 200)
    step = levels.whole(rows, rows)[0]
    step.hold(everything)
    bounds = step.bounds(everything, everything)
    true = torch.cdist(rows.raw.double(), rows.raw.double())
    column = torch.arange(200).expand_as(true)
    off = ~torch.eye(200).bool()
    assert torch.all((bounds.below(column.T, column) / true)[off] > 0.999)


def test_sketches_of_low_rank_points_are_the_distances():
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(300, 6)) @ rng.normal(size=(6, 100))).astype(np.float32)
    rows = as_rows(x)[0]
    sketch = Sketch(rows, Components(rows, 6))
    values, raw = sketch.load(slice(0, 300), slice(0, 7), 0).double(), rows.raw.double()
    torch.testing.assert_close(torch.cdist(values, values), torch.cdist(raw, raw), rtol=1e-2, atol=1e-2)


def test_sketches_of_a_power_spectrum_keep_most_of_the_distance():
    rng = np.random.default_rng(2)
    x = (rng.normal(size=(2000, 200)) / np.arange(1, 201)).astype(np.float32)
    rows = as_rows(x)[0]
    sketch = Sketch(rows, Components(rows, 20))
    values = sketch.load(slice(0, 500), slice(0, 21), 0)
    ratio = torch.cdist(values, values) / torch.cdist(rows.raw[:500], rows.raw[:500])
    assert ratio[~torch.eye(500).bool()].median() > 0.97


def test_sketches_lie_within_their_errors(points, small_blocks):
    rows = as_rows(points)[0]
    everything = slice(0, len(rows))
    with small_blocks():
        for components in (1, 4):
            sketch = Sketch(rows, Components(rows, min(components, rows.width)))
            z = rows.load(everything, slice(0, rows.width), torch.float64)
            projected = z @ sketch.components.matrix.double()
            rest = (z.square().sum(1) - projected.square().sum(1)).clamp(min=0).sqrt()
            ideal = torch.cat([projected, rest[:, None]], 1)
            wrong = torch.linalg.vector_norm(sketch.load(everything, slice(0, sketch.width), 0) - ideal, dim=1)
            assert torch.all(wrong <= sketch.error(everything, wrong) + 1e-7 * torch.linalg.vector_norm(z, dim=1))


def test_rounded_coordinates_lie_within_their_errors(points):
    rows = as_rows(points)[0]
    everything, columns = slice(0, len(rows)), slice(0, rows.width)
    single, double = (level.Whole(rows, dtype) for dtype in (torch.float32, torch.float64))
    ideal, rounded = double.load(everything, columns, 0), single.load(everything, columns, 0)
    norm = torch.linalg.vector_norm(rounded, dim=1)
    wrong = torch.linalg.vector_norm(rounded - ideal, dim=1)
    error = single.error(everything, norm.double())
    assert torch.all(wrong <= error)
    assert torch.all(error <= 1e-6 * norm + 1e-12)


def test_the_projection_contracts():
    rng = np.random.default_rng(3)
    for x in (rng.normal(size=(50, 30)), np.zeros((50, 30)), np.ones((50, 1)) * rng.normal(size=30)):
        matrix = Components(as_rows(x)[0], 7).matrix.double()
        assert matrix.shape == (30, 7)
        assert torch.linalg.matrix_norm(matrix, 2) <= 1


def test_sketches_do_not_depend_on_which_rows_are_asked_for_first():
    x = np.random.default_rng(4).normal(size=(3000, 60)).astype(np.float32)
    rows = as_rows(x)[0]
    components = Components(rows, 5)
    whole, parts = Sketch(rows, components), Sketch(rows, components)
    index = torch.tensor([2900, 5, 1500])
    torch.testing.assert_close(
        parts.load(index, slice(0, 6), 0), whole.load(slice(0, 3000), slice(0, 6), 0)[index], rtol=0, atol=0
    )


def test_sketches_in_another_order_are_those_of_their_rows(points):
    rows = as_rows(points)[0]
    sketch = Sketch(rows, Components(rows, min(2, rows.width))).complete()
    sketch.errors = torch.arange(len(rows), dtype=torch.float64)  # they differ too little to be told apart
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    turned, some = sketch.sorted(order), slice(3, 17)
    assert torch.equal(turned.load(some, slice(0, 2), 0), sketch.load(order[some], slice(0, 2), 0))
    assert torch.equal(turned.error(some, torch.ones(14)), sketch.error(order[some], torch.ones(14)))


def test_components_may_be_asked_for_by_two_threads_at_once(points, monkeypatch):
    components = Components(as_rows(points)[0], 1)
    sample = components._sample
    alone = Components(components.rows, 1).matrix
    monkeypatch.setattr(Components, "_sample", property(lambda _: sample))  # as where another has done with it already
    vars(components).pop("_sample")
    assert torch.equal(components.matrix, alone)
