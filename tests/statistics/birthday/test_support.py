import time

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.support import estimate_support, estimate_support_without_atoms

KEYS = {"effective_support", "collision_probability", "heterogeneity", "richness", "coverage", "chao1"}


def test_keys_levels_and_counts():
    found = estimate_support([3, 2, 2], 500, level=0.9)
    assert set(found) == KEYS
    assert {e.level for e in found.values()} == {0.9}
    assert {e.n for e in found.values()} == {500}


def test_the_support_is_one_over_the_collision_probability():
    found = estimate_support([4, 2, 2], 300)
    support, probability = found["effective_support"], found["collision_probability"]
    assert support.value == pytest.approx(1 / probability.value)
    assert (support.low, support.high) == pytest.approx((1 / probability.high, 1 / probability.low))


def test_singletons_and_order_do_not_matter():
    assert estimate_support([2, 5, 3], 100) == estimate_support([3, 2, 5] + [1] * 90, 100)


def test_level_is_honoured():
    wide, narrow = estimate_support([2] * 30, 1000, level=0.99), estimate_support([2] * 30, 1000, level=0.5)
    for key in KEYS - {"heterogeneity"}:
        assert wide[key].low <= narrow[key].low


@pytest.mark.parametrize("samples", [2, 3, 10, 1000, 20_000])
def test_without_collisions_every_support_is_open_above(samples):
    found = estimate_support([], samples)
    for key in ("effective_support", "richness", "chao1"):
        assert found[key].value is None
        assert found[key].high is None
        assert found[key].low >= 1
    assert found["richness"].low >= samples * (samples - 1) / 2 / 3.69 - 1


@pytest.mark.parametrize("samples", [2, 3, 4, 10, 1000])
def test_constant_output(samples):
    found = estimate_support([samples], samples)
    assert found["effective_support"].value == found["effective_support"].low == 1
    assert found["effective_support"].high < 1 + 150 / samples
    assert found["richness"].value == found["chao1"].value == 1


def test_one_collision():
    found = estimate_support([2], 1000)["effective_support"]
    assert found.value == pytest.approx(499_500)
    assert found.low == pytest.approx(499_500 / 5.7, rel=0.05)
    assert found.high > 10 * found.value


def test_an_atom_hides_the_rest_and_taking_it_out_shows_it(laws, cluster_sizes):
    sizes = cluster_sizes(laws["5 % atom 10000"], 5000, np.random.default_rng(0))
    found, rest = estimate_support(sizes, 5000), estimate_support_without_atoms(sizes, 5000)
    assert found["effective_support"].high < 600
    assert found["heterogeneity"].low > 10
    assert found["richness"].low < 10_000 < found["richness"].high
    assert rest["effective_support"].low < 9_999 < rest["effective_support"].high
    assert rest["heterogeneity"].value == pytest.approx(1, abs=0.3)
    assert estimate_support_without_atoms([100], 100) is None


def test_it_is_fast(laws, cluster_sizes):
    sizes = cluster_sizes(laws["Zipf 1 50000"], 20_000, np.random.default_rng(0))
    started = time.process_time()
    estimate_support(sizes, 20_000)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("sizes", "samples", "message"),
    [([600, 500], 1000, "only 1000 were drawn"), ([], 1, "two samples"), ([0], 10, "at least 1"), ([1.5], 10, "whole")],
)
def test_impossible_input_is_refused(sizes, samples, message):
    with pytest.raises(UsageError, match=message):
        estimate_support(sizes, samples)


def test_an_impossible_level_is_refused():
    with pytest.raises(UsageError, match="level"):
        estimate_support([2], 10, level=95)
