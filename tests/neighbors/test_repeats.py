import numpy as np
import torch

from didlearn.neighbors.repeats import first_copies, late_copies


def test_first_copies():
    x = torch.tensor([[1.0, 2], [0, 0], [1, 2], [3, 1], [1, 2], [-0.0, 0]])
    assert first_copies(x).tolist() == [0, 1, 0, 3, 0, 1]


def test_rows_that_agree_only_in_the_probed_columns_are_no_copies():
    x = torch.zeros(500, 400)
    x[:, 399] = torch.arange(500)
    assert first_copies(x).tolist() == list(range(500))


def test_late_copies_leave_as_many_as_may_be_neighbours():
    x = torch.from_numpy(np.array([[5], [7], [5], [5], [7], [5]], np.uint8))
    assert late_copies(x, 2).tolist() == [3, 5]
    assert late_copies(x, 1).tolist() == [2, 3, 4, 5]
    assert late_copies(x, 4).tolist() == []
