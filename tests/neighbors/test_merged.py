import numpy as np
import pytest
import torch

from didlearn.neighbors import count_within, degrees_within
from didlearn.neighbors.merged import Merged
from didlearn.neighbors.screening.rows import as_rows


def merged(x):
    (rows,) = as_rows(np.array(x, np.float32))
    return rows, Merged.of(rows)


def test_equal_rows_are_one_with_their_number():
    rows, found = merged([[2, 1], [0, 0], [2, 1], [-0.0, 0], [3, 3], [2, 1]])
    assert found.rows.raw.tolist() == [[2, 1], [0, 0], [3, 3]]
    assert found.place.tolist() == [0, 1, 0, 1, 2, 0]
    assert found.weight.tolist() == [3, 2, 1]
    assert not found.alike
    assert found.equal_pairs == 3 + 1
    assert (found.rows.scale, found.rows.centre is rows.centre) == (rows.scale, True)


@pytest.mark.parametrize(("copies", "alike"), [(3, True), (5, False)])
def test_few_equal_rows_are_no_reason_for_a_copy_of_all(copies, alike):
    """So many copies of one row among 40: 3 pairs of them, or 10."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    x[: 5 * copies : 5] = x[0]
    rows, found = merged(x)
    assert (found.alike, found.rows is rows) == (alike, alike)
    distance = np.linalg.norm(x[:, None].astype(np.float64) - x, axis=2)
    radii = [0.0, 0.5, 2.0]
    inside = [(distance <= radius).sum(1) - 1 for radius in radii]
    assert degrees_within(x, radii).tolist() == [degree.tolist() for degree in inside]
    assert count_within(x, radii).tolist() == [degree.sum() // 2 for degree in inside]


def test_rows_that_differ_stay_where_they_are():
    rows, found = merged([[2, 1], [0, 0], [1, 2]])
    assert found.rows is rows
    assert found.alike
    assert torch.equal(found.place, torch.arange(3))
    assert found.equal_pairs == 0
