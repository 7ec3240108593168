"""Typicality's numbers, counted by hand and under the null."""

import math

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.checks.typicality.measure import (
    batch_distances,
    batch_limit,
    nominal_share,
    outside,
    spread_of,
    tail_rank,
    typical_estimates,
)
from didlearn.rng import Stream
from didlearn.statistics.means import exchange_pvalue


def estimates(shift=0.0, n=40, m=100, seed=0, batch=4):
    rng = np.random.default_rng(seed)
    own, train = rng.normal(50, 3, size=m), rng.normal(50 + 3 * shift, 3, size=n)
    return typical_estimates(own, {"train": train, "held-out": own[:20]}, batch, Stream(seed), 0.95)


def test_a_case_counted_by_hand():
    own = np.array([0.0, 2, 4, 6, 8])  # mean 4, standard deviation √10
    real = {"train": np.array([3.0, 5, 100, 100, 4, 4, 7]), "held-out": np.array([4.0, 4])}
    found = typical_estimates(own, real, 2, Stream(3), 0.9)
    assert list(found) == ["atypical_nominal", "entropy", "sample_spread"] + [
        f"{what}_{name}"
        for name in ("train", "heldout")
        for what in ("typicality_shift", "typicality_pvalue", "atypical", "atypical_batches")
    ]
    assert found["entropy"].value == -4
    assert found["sample_spread"].value == pytest.approx(math.sqrt(10))
    assert found["typicality_shift_train"].value == pytest.approx((223 / 7 - 4) / math.sqrt(10))
    assert found["typicality_shift_heldout"].value == 0
    # Of five samples the outermost bound the typical set, and 2/6 of fresh ones lie outside; of three whole batches one
    # lies far.
    assert found["atypical_nominal"].value == pytest.approx(2 / 6)
    assert found["atypical_train"].value == pytest.approx(2 / 7)
    assert found["atypical_batches_train"].value == pytest.approx(1 / 3)
    assert [found[f"atypical_batches_{name}"].n for name in ("train", "heldout")] == [3, 1]
    assert [found[f"typicality_pvalue_{name}"].n for name in ("train", "heldout")] == [12, 7]
    assert {estimate.level for estimate in found.values()} == {0.9}
    assert found["entropy"].unit == found["sample_spread"].unit == "nats"
    assert found["typicality_shift_train"].unit == "standard deviations"


def test_the_interval_of_the_shift_is_in_the_same_units_as_the_shift():
    found = estimates(0.7)["typicality_shift_train"]
    rng = np.random.default_rng(0)
    own, train = rng.normal(50, 3, size=100), rng.normal(50 + 2.1, 3, size=40)
    # Welch: the standard error of the difference, over the samples' spread; Student's quantile is near 2.
    error = math.sqrt(own.var(ddof=1) / 100 + train.var(ddof=1) / 40) / own.std(ddof=1)
    assert (found.high - found.low) / 2 == pytest.approx(1.99 * error, rel=0.02)
    assert found.low < found.value < found.high


def test_pvalues_are_corrected_for_the_number_of_groups():
    rng = np.random.default_rng(1)
    own, real = rng.normal(size=20), {name: rng.normal(shift, size=9) for name, shift in (("train", 1), ("other", 0.5))}
    found = typical_estimates(own, real, 2, Stream(3), 0.9)
    raw = {name: exchange_pvalue(nats, own, Stream(3).numpy("exchange", name)) for name, nats in real.items()}
    small, large = sorted(raw, key=raw.get)
    assert found[f"typicality_pvalue_{small}"].value == pytest.approx(2 * raw[small])
    assert found[f"typicality_pvalue_{large}"].value == pytest.approx(max(2 * raw[small], raw[large]))


def test_single_images_are_atypical_in_the_outer_five_percent():
    own = np.arange(199.0)
    # The fifth smallest, 4, and the fifth largest, 194, are inside.
    real = {"train": np.array([2.5, 3.5, 100.5, 194.5, 195.5, -9.0, 400.0, 100.0])}
    assert typical_estimates(own, real, 2, Stream(0), 0.9)["atypical_train"].value == pytest.approx(6 / 8)


def test_samples_that_are_all_as_likely_have_no_spread():
    assert spread_of(np.ones(5)) == 1e-12
    assert spread_of(np.array([1.0, 3.0])) == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("trials", [120, pytest.param(400, marks=pytest.mark.slow)])
def test_pvalues_are_uniform_under_the_null(trials):
    raw = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        only = typical_estimates(rng.normal(size=30), {"train": rng.normal(size=12)}, 4, Stream(seed), 0.95)
        raw.append(only["typicality_pvalue_train"].value)
    assert kstest(raw, "uniform").pvalue > 0.01


def test_the_typical_set_counted_by_hand():
    """Of 199 samples 5 at either end are outside at most, 10/200 of fresh ones; of 24 one at either end, 2/25."""
    own = np.arange(199.0)
    assert (tail_rank(199), nominal_share(199)) == (5, 0.05)
    assert (tail_rank(24), nominal_share(24)) == (1, 0.08)
    values = np.array([-1.0, 3.9, 4.0, 100.0, 194.0, 194.1, 300.0])
    assert outside(values, own) == 4  # the fifth smallest and largest, 4 and 194, are inside
    assert outside(np.array([-1.0, 0.0, 23.0, 24.0]), np.arange(24.0)) == 2


@pytest.mark.parametrize("samples", [24, 48, 200])
def test_fresh_samples_lie_outside_at_the_nominal_rate(samples):
    """Exact for every law: the ranks of fresh samples are uniform."""
    rng, trials = np.random.default_rng(0), 2_000
    found = [outside(rng.normal(size=10), rng.normal(size=samples)) for _ in range(trials)]
    error = np.std(found, ddof=1) / np.sqrt(trials)
    assert abs(np.mean(found) - 10 * nominal_share(samples)) < 4 * error


def test_batches_are_consecutive_and_whole():
    own = np.array([0.0, 2.0])
    assert batch_distances(np.array([1.0, 2, 3, 6, 99]), own, 2).tolist() == [0.5, 3.5]
    assert batch_distances(np.array([1.0, 2, 3]), own, 9).tolist() == [1.0]


def test_the_limit_leaves_out_what_the_batch_holds():
    # Of three samples a batch of two leaves one: |mean of two − the third| is 15, 0 or 15 here.
    assert batch_limit(np.array([0.0, 10, 20]), 2, np.random.default_rng(0)) == 15
    assert batch_limit(np.array([0.0, 10, 20]), 9, np.random.default_rng(0)) == 15
    assert batch_limit(np.array([0.0, 10]), 1, np.random.default_rng(0)) == 10
    # One sample in 200 lies far: half a percent of the batches of one hold it, which is less than one in a hundred.
    rare = np.zeros(200)
    rare[0] = 100.0
    assert batch_limit(rare, 1, np.random.default_rng(0)) == pytest.approx(100 / 199)
    assert batch_limit(rare[:50], 1, np.random.default_rng(0)) == 100


def test_batches_of_samples_are_rarely_far():
    rng = np.random.default_rng(1)
    own = rng.normal(size=400)
    limit = batch_limit(own, 5, rng)
    far = (batch_distances(rng.normal(size=5000), own, 5) > limit).mean()
    assert 0.001 < far < 0.03
    assert (batch_distances(rng.normal(4, 1, size=50), own, 5) > limit).all()
