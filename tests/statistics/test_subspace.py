"""The best linear subspace."""

import numpy as np
import pytest

from didlearn.statistics.subspace import leading_directions, principal_subspace


@pytest.mark.parametrize(("n", "D"), [(200, 12), (30, 80)])
def test_the_error_is_what_the_discarded_eigenvalues_say(n, D):
    x = np.random.default_rng(0).normal(size=(n, D)) * np.linspace(3, 0.1, D)
    values = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    for d in (1, 5):
        assert principal_subspace(x, d).error(x).mean() == pytest.approx(values[d:].sum() / D)


def test_directions_are_orthonormal_and_exact_data_have_no_error():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 20)) + 5
    space = principal_subspace(x, 3)
    assert np.allclose(space.directions.T @ space.directions, np.eye(3))
    assert np.allclose(space.error(x), 0, atol=1e-12)


def test_more_dimensions_than_images_take_what_there_is():
    x = np.random.default_rng(2).normal(size=(4, 30))
    space = principal_subspace(x, 10)
    assert space.directions.shape == (30, 3)
    assert np.allclose(space.error(x), 0, atol=1e-12)


def test_constant_images_have_no_directions():
    assert principal_subspace(np.ones((5, 9)), 2).error(np.ones((2, 9))).max() == pytest.approx(0, abs=1e-12)


def test_one_image_is_a_point():
    x = np.array([[1.0, 2.0, 3.0]])
    found = principal_subspace(x, 2)
    assert found.directions.shape == (3, 0)
    assert found.error(np.array([[1.0, 2.0, 6.0]])).tolist() == [3.0]


@pytest.mark.parametrize(("n", "D"), [(9, 1), (2, 5)])
def test_no_dimension_has_no_directions(n, D):
    values, directions = leading_directions(np.ones((n, D)), np.zeros(D), 0)
    assert values.shape == (0,)
    assert directions.shape == (D, 0)
