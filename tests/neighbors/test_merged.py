import numpy as np
import torch

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


def test_rows_that_differ_stay_where_they_are():
    rows, found = merged([[2, 1], [0, 0], [1, 2]])
    assert found.rows is rows
    assert found.alike
    assert torch.equal(found.place, torch.arange(3))
    assert found.equal_pairs == 0
