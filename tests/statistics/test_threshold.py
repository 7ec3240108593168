"""The lower tail of distances: oracle on an exact power law, robustness to near-duplicates, calibration of the rate."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from didlearn.errors import DataError
from didlearn.statistics.threshold import fit_lower_tail


def power_law(n, exponent, rng):
    """Smallest of n distances whose law is P(t) = t^exponent on [0, 1]."""
    return np.sort(rng.random(n) ** (1 / exponent))


@pytest.mark.parametrize("exponent", [2.0, 10.0, 60.0])
def test_exact_power_law(exponent):
    """Order statistics at their expected places give the exponent and every distance exactly."""
    trials = 100_000
    smallest = (np.arange(1, 1001) / trials) ** (1 / exponent)
    tail = fit_lower_tail(smallest, trials)
    assert tail.exponent == pytest.approx(exponent)
    assert tail.distance_at(1e-8) == pytest.approx(1e-8 ** (1 / exponent))
    assert tail.rate_at(tail.distance_at(3e-7)) == pytest.approx(3e-7)


def test_scale_and_count_do_not_matter():
    smallest = power_law(50_000, 8, np.random.default_rng(0))[:1000]
    a, b = fit_lower_tail(smallest, 50_000), fit_lower_tail(7 * smallest, 50_000)
    assert b.distance_at(1e-6) == pytest.approx(7 * a.distance_at(1e-6))


def test_a_few_near_duplicates_do_not_overturn_it():
    rng = np.random.default_rng(1)
    clean = power_law(10**6, 12, rng)[:1000]
    spoiled = np.sort(np.concatenate([[1e-6, 1e-3, 0.01, 0.02], clean]))[:1000]
    before, after = (fit_lower_tail(d, 10**6).distance_at(1e-8) for d in (clean, spoiled))
    assert after == pytest.approx(before, rel=0.05)
    assert spoiled[0] < before / 1000  # the closest pair, the obvious choice, is off by orders of magnitude


def test_expected_false_pairs_are_as_stated():
    """Calibration: thresholds for 5 expected pairs among fresh points let 5 through on average."""
    seen = []
    for trial in range(60):
        rng = np.random.default_rng(trial)
        old, new = (pdist(rng.normal(size=(600, 8))) for _ in range(2))
        tail = fit_lower_tail(np.sort(old)[:1000], len(old))
        seen.append((new <= tail.distance_at(5 / len(new))).sum())
    # The fit's own error (near order statistic of 20: 20 %) makes the count overdispersed, not biased by a factor.
    assert 3.5 < np.mean(seen) < 7.5


def test_too_little_to_say():
    assert fit_lower_tail(np.arange(1.0, 20.0), 1000) is None
    assert fit_lower_tail(np.zeros(500), 1000) is None
    assert fit_lower_tail(np.ones(500), 1000) is None


def test_unsorted_distances_are_refused():
    with pytest.raises(DataError, match="ascending"):
        fit_lower_tail(np.array([2.0, 1.0] * 50), 1000)
