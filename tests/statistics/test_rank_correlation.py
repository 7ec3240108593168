import itertools
import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from didlearn.errors import UsageError
from didlearn.statistics.rank_correlation import rank_correlation


def rng(*names):
    return np.random.default_rng(names)


def test_it_is_spearman_s_with_ties():
    a, b = rng(0).integers(0, 6, (2, 30)).astype(float)
    found = rank_correlation(a, b, rng(1))
    assert found.correlation.value == pytest.approx(spearmanr(a, b).statistic)
    # Bonett & Wright 2000, by hand.
    r = found.correlation.value
    half = 1.959963984540054 * math.sqrt((1 + r * r / 2) / 27)
    assert found.correlation.low == pytest.approx(math.tanh(math.atanh(r) - half))
    assert found.correlation.high == pytest.approx(math.tanh(math.atanh(r) + half))


def test_the_p_value_of_few_units_counts_all_exchanges():
    a, b = np.arange(5.0), np.array([1.0, 0.0, 2.0, 4.0, 3.0])
    seen = abs(spearmanr(a, b).statistic)
    as_far = [abs(spearmanr(a, other).statistic) >= seen - 1e-9 for other in itertools.permutations(b)]
    assert rank_correlation(a, b, rng(0)).pvalue.value == pytest.approx(np.mean(as_far))
    assert rank_correlation(a, a, rng(0)).pvalue.value == pytest.approx(2 / 120)


def test_it_sees_ranks_alone_and_changes_its_sign_with_one_score():
    a, b = rng(2).standard_normal((2, 12))
    one, other = rank_correlation(a, b, rng(0)), rank_correlation(np.exp(3 * a), b**3, rng(0))
    assert one == other
    turned = rank_correlation(a, -b, rng(0))
    assert turned.correlation.value == pytest.approx(-one.correlation.value)
    assert turned.correlation.low == pytest.approx(-one.correlation.high)
    assert turned.pvalue.value == pytest.approx(one.pvalue.value)


def test_the_same_order_is_one_with_an_interval_that_is_open_inwards_alone():
    a = np.arange(10.0)
    found = rank_correlation(a, a, rng(0)).correlation
    assert found.value == pytest.approx(1)
    assert found.high == pytest.approx(1, abs=1e-3)
    assert 0.9 < found.low < 0.999


@pytest.mark.parametrize("pearson", [0.0, 0.5, 0.8])
def test_the_interval_covers_over_normal_pairs(pearson):
    """A normal law's Spearman correlation is 6/π asin(ρ/2); twelve units, 600 samples."""
    truth, inside = 6 / math.pi * math.asin(pearson / 2), 0
    g = rng(int(10 * pearson))
    for _ in range(600):
        a, noise = g.standard_normal((2, 12))
        b = pearson * a + math.sqrt(1 - pearson**2) * noise
        ranked = spearmanr(a, b).statistic
        inside += _covers(ranked, 12, truth)
    assert 0.92 <= inside / 600 <= 0.99


def _covers(value, n, truth):
    from didlearn.statistics.rank_correlation import _interval

    low, high = _interval(value, n, 0.95)
    return low <= truth <= high


def test_p_values_are_uniform_without_an_association_and_small_with_one():
    g = rng(7)
    pairs = g.standard_normal((200, 2, 6))
    null = np.array([rank_correlation(a, b, g).pvalue.point for a, b in pairs])
    assert 0.01 <= np.mean(null <= 0.05) <= 0.09
    assert 0.4 <= np.mean(null) <= 0.6
    a = g.standard_normal(20)
    assert rank_correlation(a, a + 0.3 * g.standard_normal(20), g).pvalue.point < 0.001


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [([1, 2, 3], [1, 2, 3], "4 units or more; got 3 and 3"), ([1, 2, 3, 4], [1, 2], "got 4 and 2"),
     ([1, 2, 3, 4], [5, 5, 5, 5], "is the same for all units")],
)  # fmt: skip
def test_what_cannot_be_ranked_is_refused(a, b, message):
    with pytest.raises(UsageError, match=message):
        rank_correlation(np.array(a, dtype=float), np.array(b, dtype=float), rng(0))
