"""What is made of a battery's numbers, worked out by hand.

Mistakes seen: an edge over the wrong null, ends that divide by the wrong replicate, n of the rows for n of the Gram
matrix, one classifier's numbers given as another's, held-out numbers under the generator's names, the distance of a
cosine from the replicates' for the cosine.
"""

import numpy as np
import pytest

from didlearn.checks.gaussianity.measure import battery_estimates
from didlearn.statistics.intervals import clopper_pearson
from tests.checks.gaussianity.batteries import TESTED, N, battery, pivotal


def values(estimates):
    return {name: one.value for name, one in estimates.items()}


def test_numbers_without_classes():
    found = battery_estimates(battery(), 0.9)
    assert values(found) == pytest.approx(
        {
            "gram_pvalue": 0.01,
            "gram_effect": 1,
            "gram_edge": 4 / 2 - 1,
            "whitened_pvalue": 0.4,
            "whitened_effect": 1.7,
            "whitened_edge": 3 / 2 - 1,
            "whitened_dimension": 3,
            "quadratic_slope": 0.6,
            "quadratic_slope_whitened": 0.8,
            "limit_distance": 0.25,
            "exact_repeats": 5,
            "radius_ratio": 6 / 3,
            "radius_pvalue": 0.04,
            "leverage_ratio": 1 / 2,
            "leverage_pvalue": 0.05,
        }
    )
    of_gram = ("gram", "radius", "leverage", "limit")
    for name, one in found.items():
        assert one.level == 0.9
        assert one.n == (TESTED if name.startswith(of_gram) else N), name
        if "edge" not in name and "ratio" not in name:
            assert one.low == one.value == one.high, name


def test_the_range_of_an_edge_divides_by_the_ends_of_the_null():
    """Nine tenths of 1, 2, 2, 3 lie between 1.15 and 2.85, of 1, 2, 3 between 1.1 and 2.9."""
    found = battery_estimates(battery(), 0.9)
    assert (found["gram_edge"].low, found["gram_edge"].high) == pytest.approx((4 / 2.85 - 1, 4 / 1.15 - 1))
    assert (found["whitened_edge"].low, found["whitened_edge"].high) == pytest.approx((3 / 2.9 - 1, 3 / 1.1 - 1))
    assert (found["radius_ratio"].low, found["radius_ratio"].high) == pytest.approx((6 / 4, 6 / 2))


def test_an_edge_within_a_narrow_range_lies_between_its_ends():
    """Of a null of one far and many near, the mean lies beyond the range: the value is an end then."""
    whole = battery()
    whole.gram.scalars["edge"] = np.array([1.0, *[1.0] * 98, 100, 1])
    found = battery_estimates(whole, 0.9)["gram_edge"]
    assert found.low == found.value == pytest.approx(1 / (199 / 100) - 1)
    assert found.high == 0
    whole.gram.scalars["edge"] = np.array([1.0, *[1.0] * 98, 0, 1])
    found = battery_estimates(whole, 0.9)["gram_edge"]
    assert found.high == found.value == pytest.approx(1 / 0.99 - 1)
    assert found.low == 0


def test_without_rows_enough_there_is_no_leverage():
    assert not [name for name in battery_estimates(battery(leverage=False), 0.9) if "leverage" in name]


def test_as_many_rows_as_are_held_out_have_an_edge_of_their_own():
    found = battery_estimates(battery(matched=pivotal(5.0, sizes=((12.0, 8.0), (6.0, 4.0)))), 0.9)
    edge = found["whitened_edge_matched"]
    assert (edge.value, edge.n) == (5 / 2 - 1, 30)
    assert (edge.low, edge.high) == pytest.approx((5 / 2.9 - 1, 5 / 1.1 - 1))


def test_numbers_of_classes():
    plain, found = battery_estimates(battery(), 0.9), battery_estimates(battery(classes=True), 0.9)
    assert values({name: one for name, one in found.items() if name not in plain}) == pytest.approx(
        {
            "class_alignment": 0.9,
            "class_alignment_pvalue": 0.07,
            "clustering": 0.7,
            "clustering_pvalue": 0.08,
            "ls_svm_error": 0.02,
            "ls_svm_error_surrogate": 0.3,
            "ls_svm_pvalue": 0.3,
            "ridge_error": 0.06,
            "ridge_error_surrogate": 0.3,
            "ridge_pvalue": 0.7,
            "softmax_error": 0.09,
            "softmax_error_surrogate": 0.3,
            "softmax_pvalue": 1.0,
            "logistic_error": 0.11,
            "logistic_error_surrogate": 0.3,
            "logistic_pvalue": 1.2,
        }
    )
    assert {found[name].n for name in ("class_alignment", "clustering_pvalue")} == {TESTED}
    assert {found[f"ridge_{name}"].n for name in ("error", "error_surrogate", "pvalue")} == {100}
    assert (found["ls_svm_error"].low, found["ls_svm_error"].high) == clopper_pearson(2, 100, 0.9)
    surrogate = found["ridge_error_surrogate"]
    assert (surrogate.low, surrogate.high) == pytest.approx((0.115, 0.555)), "of .1, .2, .3 and .6"


def test_the_range_of_replicates_errors_holds_their_mean():
    whole = battery(classes=True)
    whole.classes.null["LS-SVM", 1.0] = np.array([*[0.0] * 98, 1.0, 0.0])
    found = battery_estimates(whole, 0.9)["ls_svm_error_surrogate"]
    assert (found.low, found.value, found.high) == (0, 0.01, 0.01)
    whole.classes.null["LS-SVM", 1.0] = np.array([*[1.0] * 98, 0.0, 1.0])
    found = battery_estimates(whole, 0.9)["ls_svm_error_surrogate"]
    assert (found.low, found.value, found.high) == (0.99, 0.99, 1)


def test_held_out_numbers_have_names_of_their_own():
    own, real = battery_estimates(battery(classes=True), 0.9), battery_estimates(battery(own=False, classes=True), 0.9)
    assert list(real) == [f"{name}_heldout" for name in own]
    assert list(values(real).values()) == list(values(own).values())


def test_a_slope_or_an_effect_that_is_not_there_is_no_number():
    whole = battery()
    object.__setattr__(whole.curve, "plain_slope", None)
    object.__setattr__(whole.pivotal.spectrum, "ratio", None)
    found = battery_estimates(whole, 0.9)
    for name in ("quadratic_slope", "whitened_effect"):
        assert found[name].value is found[name].low is found[name].high is None
