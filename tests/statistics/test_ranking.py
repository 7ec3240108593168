"""AUROC and the ROC curve."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from didlearn.statistics.ranking import auroc, roc


def groups(seed=0, rounded=True):
    rng = np.random.default_rng(seed)
    inside, outside = rng.normal(size=60), rng.normal(1, size=40)
    return (np.round(inside, 1), np.round(outside, 1)) if rounded else (inside, outside)


def test_it_is_scikit_learns_with_ties():
    inside, outside = groups()
    labels = np.r_[np.zeros(60), np.ones(40)]
    found = auroc(inside, outside)
    assert found.value == pytest.approx(roc_auc_score(labels, np.r_[inside, outside]))
    false, true, _ = roc_curve(labels, np.r_[inside, outside], drop_intermediate=False)
    ours = roc(inside, outside)
    assert np.allclose(ours[0], false)
    assert np.allclose(ours[1], true)
    area = np.trapezoid(ours[1], ours[0])
    assert area == pytest.approx(found.value)


def test_outside_means_larger():
    assert auroc(np.zeros(5), np.ones(5)).value == 1
    assert auroc(np.ones(5), np.zeros(5)).value == 0


def test_the_interval_covers():
    from scipy.stats import norm

    truth = norm.cdf(1 / np.sqrt(2))
    found = [auroc(*groups(seed, rounded=False)) for seed in range(300)]
    assert np.mean([e.low <= truth <= e.high for e in found]) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 300)
