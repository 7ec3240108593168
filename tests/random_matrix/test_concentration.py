"""r_Q: one for Gaussians, bounded for universal laws, growing with the dimension for elliptical ones."""

import numpy as np
import pytest

from didlearn.errors import DataError
from didlearn.random_matrix import concentration_curve


def test_gaussians_have_ratio_one_and_no_slope():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 100)) * np.linspace(0.3, 1, 100)
    curve = concentration_curve(x, rng=rng, projections=4)
    np.testing.assert_allclose(curve.plain, 1, atol=0.25)
    np.testing.assert_allclose(curve.whitened, 1, atol=0.25)
    assert abs(curve.plain_slope) < 0.1
    assert curve.dimensions[-1] == 100


def test_heavy_tails_grow_with_the_dimension():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 100)) / np.sqrt(rng.chisquare(10, size=(2000, 1)) / 10)
    curve = concentration_curve(x, rng=rng, projections=4)
    assert curve.plain[-1] > 5
    assert curve.whitened[-1] > 5
    assert curve.plain_slope > 0.4


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="at least 20"):
        concentration_curve(np.random.default_rng(0).normal(size=(5, 9)), rng=np.random.default_rng(0))
