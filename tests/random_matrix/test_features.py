"""Features by class. Mistakes seen: rows of one class given another's mean, a direction of rounding taken for one."""

import numpy as np
import pytest
import torch

from didlearn.errors import DataError, UsageError
from didlearn.random_matrix.features import centred, labelled_features, varying_basis

X = np.array([[1, 0], [2, 5], [3, 0], [4, 9.0]])


def test_classes_are_numbered_in_their_order_and_counted():
    found = labelled_features(X, ["b", "a", "b", "a"])
    assert found.names.tolist() == ["a", "b"]
    assert found.labels.tolist() == [1, 0, 1, 0]
    assert found.counts.tolist() == [2, 2]
    assert found.of_class(0).tolist() == [[2, 5], [4, 9]]
    assert centred(found).tolist() == [[-1, 0], [-1, -2], [1, 0], [1, 2]]


def test_without_labels_all_rows_are_one_class():
    found = labelled_features(torch.tensor(X, dtype=torch.float32, requires_grad=True))
    assert found.features.dtype == np.float64
    assert (found.names.tolist(), found.counts.tolist()) == ([0], [4])
    assert centred(found) == pytest.approx(X - [2.5, 3.5])


@pytest.mark.parametrize(
    ("rows", "labels", "classes", "error", "words"),
    [
        (X, None, [0, 1], UsageError, "no labels given"),
        (X, [0, 1, 2, 1], [0, 1], UsageError, "label 2 is not among"),
        (X, [0, 0, 1, 1], [0, 1, 2], DataError, "class 2 has 0 rows"),
        (X, [0, 0, 0, 1], None, DataError, "class 1 has 1 rows"),
        (X[:0], None, None, DataError, "there are no rows"),
        (X[:, :0], None, None, UsageError, "shape"),
        (X.astype(str), None, None, UsageError, "give numbers"),
        (np.where(X == 0, np.inf, X), None, None, DataError, "2 of 4 rows"),
    ],
)
def test_what_is_refused(rows, labels, classes, error, words):
    with pytest.raises(error, match=words):
        labelled_features(rows, labels, classes)


def test_the_basis_spans_what_varies_and_nothing_else():
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(5, 2)))[0]
    rows = rng.normal(size=(30, 2)) @ plane.T
    rows = np.concatenate([rows, np.zeros((30, 1))], axis=1)
    basis = varying_basis(rows)
    assert basis.shape == (6, 2)
    assert basis.T @ basis == pytest.approx(np.eye(2))
    assert rows @ basis @ basis.T == pytest.approx(rows)


def test_small_directions_count_and_rounding_does_not():
    rows = np.array([[1, 1e-5, 1e-13], [-1, 1e-5, 1e-13], [1, -1e-5, 1e-13], [-1, -1e-5, -3e-13]])
    assert varying_basis(rows).shape == (3, 2)
    assert varying_basis(rows * [1, 1e-2, 1]).shape == (3, 1)
