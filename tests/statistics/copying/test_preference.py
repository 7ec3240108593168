"""Preference for training images: exact null whatever the crowding, and power against copies."""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.statistics.copying import preference
from didlearn.statistics.copying.preference import training_preference


def crowded(rng, pool, n):
    """Generated images that crowd around a few images of the pool, blind to which were trained on."""
    weights = rng.pareto(1.0, size=pool)
    return rng.choice(pool, size=n, p=weights / weights.sum())


MANY = pytest.mark.parametrize("trials", [80, pytest.param(200, marks=pytest.mark.slow)])


@MANY
def test_pvalues_are_uniform_under_the_null(trials, monkeypatch):
    monkeypatch.setattr(preference, "_PERMUTATIONS", 199)  # as exact as with more
    pvalues = []
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        trained = rng.permutation(300) < 200
        pvalues.append(training_preference(crowded(rng, 300, 500), trained, rng).pvalue)
    assert kstest(pvalues, "uniform").pvalue > 1e-3
    assert np.mean(np.array(pvalues) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)


def test_a_binomial_test_would_have_been_wrong():
    """The mistake this sees: treating crowded samples as independent."""
    from scipy.stats import binomtest

    wrong = []
    for trial in range(100):
        rng = np.random.default_rng(trial)
        trained = rng.permutation(300) < 200
        hits = trained[crowded(rng, 300, 500)]
        wrong.append(binomtest(int(hits.sum()), 500, 2 / 3, alternative="greater").pvalue < 0.05)
    assert np.mean(wrong) > 0.2


def test_planted_copies_are_found():
    rng = np.random.default_rng(0)
    trained = np.arange(1000) < 500
    nearest = np.where(rng.random(2000) < 0.3, rng.integers(0, 500, 2000), rng.integers(0, 1000, 2000))
    found = training_preference(nearest, trained, rng)
    assert found.pvalue < 0.01
    assert found.expected == 0.5
    assert found.share.low < 0.65 < found.share.high


@MANY
def test_the_interval_covers_the_share(trials, monkeypatch):
    monkeypatch.setattr(preference, "_PERMUTATIONS", 1)  # which the interval knows nothing of
    covered = 0
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        # 60 % of the images that are hit were trained on; each is hit by some samples.
        trained = rng.random(400) < 0.6
        share = training_preference(crowded(rng, 400, 600), trained, rng).share
        covered += share.low <= 0.6 <= share.high
    assert covered >= 0.93 * trials


@pytest.mark.parametrize("trained", [True, False])
def test_all_on_one_side(trained):
    labels = np.array([trained, not trained] * 50)
    found = training_preference(np.zeros(30, dtype=int), labels, np.random.default_rng(0))
    assert found.share.value == float(trained)
    assert found.pvalue > 0.3  # one image hit thirty times is one observation
