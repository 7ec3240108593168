"""Placements and distances of spectra done by hand.

Mistakes seen: the data counted among its replicates, or left out of p; p of 0; a mean that holds the member itself; a
share of equal numbers that rounding throws to one side.
"""

import numpy as np
import pytest

from didlearn.random_matrix.replicates import kolmogorov, place, place_scalar, wasserstein


def test_a_placement_counts_the_replicates_at_least_as_far_out():
    found = place(np.array([3.0, 1, 2, 3, 4]))
    assert (found.value, found.null_mean, found.ratio, found.shift) == (3, 2.5, 1.2, None)
    assert found.null_high == pytest.approx(3.85), "0.95 of the way through 1, 2, 3, 4"
    assert found.p_value == (1 + 2) / 5
    assert place(np.array([9.0, 1, 2, 3])).p_value == 1 / 4
    assert place(np.array([0.0, 1, 2, 3])).p_value == 1


def test_equal_numbers_count_as_equal_whatever_their_rounding():
    assert place(np.array([0.3, 0.1 + 0.2, 0.3 * (1 - 1e-13), 0.1])).p_value == 3 / 4
    assert place(np.array([0.3, 0.3 * (1 - 1e-9), 0.1])).p_value == 1 / 3


def test_nothing_is_a_multiple_of_zero():
    assert place(np.array([2.0, 0, 0])).ratio is None


def test_a_number_is_placed_by_its_distance_from_the_mean_of_the_others():
    """|5 − 2| against |1 − 10/3|, |2 − 3| and |3 − 8/3|."""
    found = place_scalar(np.array([5.0, 1, 2, 3]))
    assert (found.value, found.shift, found.p_value) == (3, 1.5, 1 / 4)
    assert found.null_mean == pytest.approx((7 / 3 + 1 + 1 / 3) / 3)
    below = place_scalar(np.array([-5.0, -1, -2, -3]))
    assert (below.value, below.shift) == (3, -1.5)
    assert place_scalar(np.array([5.0, 1, -1])).shift is None


def test_wasserstein_distances_are_from_the_mean_of_the_other_ordered_spectra():
    """Of {1, 2}, {4, 3} and {5, 9}: mean of the others {4, 6.5}, {3, 5.5} and {2, 3}."""
    found = wasserstein(np.array([[2.0, 1], [4, 3], [5, 9]]))
    assert found == pytest.approx([(3 + 4.5) / 2, (0 + 1.5) / 2, (3 + 6) / 2])


def test_kolmogorov_distances_are_from_the_mean_of_the_other_functions():
    """At 0 the functions are ½, 0 and 0, at 1 they are ½, 1 and ½; at 2 all are 1."""
    found = kolmogorov(np.array([[0.0, 2], [1, 1], [2, 1]]))
    assert found == pytest.approx([0.5, 0.5, 0.25])
