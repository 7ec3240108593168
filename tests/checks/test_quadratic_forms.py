"""Variances over those of replicates, by hand. Mistakes seen: ends exchanged, the data among its replicates."""

import numpy as np
import pytest

from didlearn.checks.quadratic_forms import concentration_figure, variance_ratio
from didlearn.random_matrix import ConcentrationCurve


def test_a_ratio_is_over_the_replicates_mean_and_the_ends_of_their_range():
    """Eight tenths of 1, 2, 3, 4 and 10 lie between 1.4 and 7.6."""
    found = variance_ratio(np.array([8.0, 1, 2, 3, 4, 10]), 50, 0.8)
    assert (found.value, found.low, found.high) == pytest.approx((8 / 4, 8 / 7.6, 8 / 1.4))
    assert (found.n, found.level, found.unit) == (50, 0.8, "ratio")


def test_a_mean_beyond_the_range_is_an_end_of_it():
    far = variance_ratio(np.array([1.0, *[1] * 98, 100, 1]), 50, 0.9)
    assert far.low == far.value == pytest.approx(1 / 1.99)
    assert far.high == 1
    near = variance_ratio(np.array([1.0, *[1] * 98, 0, 1]), 50, 0.9)
    assert near.high == near.value == pytest.approx(1 / 0.99)
    assert near.low == 1


def test_the_picture_has_both_curves_of_each_group_with_their_errors():
    curve = ConcentrationCurve(
        dimensions=np.array([4, 8]),
        plain=np.array([1.0, 2.0]),
        whitened=np.array([0.0, 4.0]),
        plain_error=np.array([0.5, 0.25]),
        whitened_error=np.array([0.5, 1.0]),
        plain_slope=1.0,
        whitened_slope=None,
    )
    plain, whitened = concentration_figure([("generated", "generated", curve)]).series
    assert (plain.label, plain.x, plain.y) == ("generated", (4, 8), (1, 2))
    assert (plain.low, plain.high, plain.role) == ((0.5, 1.75), (1.5, 2.25), "generated")
    assert (whitened.label, whitened.y) == ("generated, whitened", (1e-3, 4)), "on a logarithmic axis"
    assert (whitened.low, whitened.high) == ((1e-3, 3), (0.5, 5))
    assert concentration_figure([], "_2", " (dino)").name == "concentration_2"
