"""Typicality's numbers and verdict."""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.checks.typicality.measure import (
    batch_distances,
    batch_limit,
    judge_typicality,
    single_pvalues,
    typical_parts,
)
from didlearn.result.values import exactly
from didlearn.rng import Stream


def parts(shift=0.0, n=40, m=100, seed=0, batch=4):
    rng = np.random.default_rng(seed)
    own, train = rng.normal(50, 3, size=m), rng.normal(50 + 3 * shift, 3, size=n)
    return typical_parts(own, {"train": train, "held-out": own[:20]}, batch, Stream(seed), 0.95)


def judge(found, gap=0.0, drift=0.0):
    estimates = found.estimates | {"bound_gap": exactly(gap, 0.95, 8, "given", "nats")}
    estimates |= {"effort_drift": exactly(drift, 0.95, 8, "given", "nats")}
    return judge_typicality(estimates, 0.5, 0.05, ["train", "held-out"])


def test_a_difference_within_the_gap_of_the_bounds_is_open():
    assert judge(parts(-1.5), gap=20.0).verdict == "inconclusive"
    assert judge(parts(-1.5), drift=20.0).verdict == "inconclusive"


@pytest.mark.parametrize(("shift", "words"), [(-1.5, "less likely"), (1.5, "likelier")])
def test_both_directions_fail(shift, words):
    found = parts(shift)
    decision = judge(found)
    assert decision.verdict == "fail"
    assert words in decision.answer
    estimate = found.estimates["typicality_shift_train"]
    assert estimate.low < shift < estimate.high


def test_the_same_law_passes_with_enough_images_and_is_open_with_few():
    assert judge(parts(n=300, m=300)).verdict == "pass"
    few = judge(parts(n=8, m=30))
    assert few.verdict == "inconclusive"
    assert "images would settle it" in few.answer


def test_pvalues_are_uniform_under_the_null():
    found = [parts(n=12, m=30, seed=s).estimates["atypical_train"] for s in range(3)]
    assert all(0 <= e.value <= 1 for e in found)
    raw = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        only = typical_parts(rng.normal(size=30), {"train": rng.normal(size=12)}, 4, Stream(seed), 0.95)
        raw.append(only.estimates["typicality_pvalue_train"].value)
    assert kstest(raw, "uniform").pvalue > 0.01


def test_single_pvalues_of_samples_are_uniform_and_two_sided():
    rng = np.random.default_rng(0)
    p = single_pvalues(rng.normal(size=2000), rng.normal(size=2000))
    assert kstest(p, "uniform").pvalue > 0.001
    low, middle, high = single_pvalues(np.array([-9.0, 0.0, 9.0]), rng.normal(size=199))
    assert low == high == pytest.approx(2 / 200)
    assert middle > 0.8


def test_batches_of_samples_are_rarely_far():
    rng = np.random.default_rng(1)
    own = rng.normal(size=400)
    limit = batch_limit(own, 5, rng)
    far = (batch_distances(rng.normal(size=5000), own, 5) > limit).mean()
    assert 0.001 < far < 0.03
    assert (batch_distances(rng.normal(4, 1, size=50), own, 5) > limit).all()
