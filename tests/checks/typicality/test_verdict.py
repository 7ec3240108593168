"""Typicality's verdict, case by case."""

import numpy as np
import pytest

from didlearn.checks.typicality.measure import typical_estimates
from didlearn.checks.typicality.verdict import judge_typicality
from didlearn.result.values import exactly
from didlearn.rng import Stream


def estimates(shift=0.0, n=40, m=100, seed=0, batch=4):
    rng = np.random.default_rng(seed)
    own, train = rng.normal(50, 3, size=m), rng.normal(50 + 3 * shift, 3, size=n)
    return typical_estimates(own, {"train": train, "held-out": own[:20]}, batch, Stream(seed), 0.95)


def judge(found, gap=0.0, drift=0.0):
    bounds = {"bound_gap": exactly(gap, 0.95, 8, "given", "nats")}
    bounds |= {"effort_drift": exactly(drift, 0.95, 8, "given", "nats")}
    return judge_typicality(found | bounds, 0.5, 0.05, ["train", "held-out"])


def test_a_difference_within_the_gap_of_the_bounds_is_open():
    assert judge(estimates(-1.5), gap=20.0).verdict == "inconclusive"
    assert judge(estimates(-1.5), drift=20.0).verdict == "inconclusive"


@pytest.mark.parametrize(("shift", "words"), [(-1.5, "less likely"), (1.5, "likelier")])
def test_both_directions_fail(shift, words):
    found = estimates(shift)
    decision = judge(found)
    assert decision.verdict == "fail"
    assert words in decision.answer
    estimate = found["typicality_shift_train"]
    assert estimate.low < shift < estimate.high


def test_the_same_law_passes_with_enough_images_and_is_open_with_few():
    assert judge(estimates(n=300, m=300)).verdict == "pass"
    few = judge(estimates(n=8, m=30))
    assert few.verdict == "inconclusive"
    assert "images would settle it" in few.answer


def test_a_pvalue_that_is_not_there_is_not_significant():
    found = estimates(-1.5)
    absent = found["typicality_pvalue_train"].model_copy(update={"value": None, "low": None, "high": None})
    assert judge(found | {"typicality_pvalue_train": absent}).verdict == "inconclusive"


@pytest.mark.parametrize("end", ["low", "high"])
def test_a_shift_with_an_open_end_does_not_pass(end):
    found = estimates(n=300, m=300)
    opened = found["typicality_shift_train"].model_copy(update={end: None})
    assert judge(found | {"typicality_shift_train": opened}).verdict == "inconclusive"
