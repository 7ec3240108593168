"""Softmax and logistic regression against their own gradients, the Bayes rule, and Gaussian mixtures of two moments.

Mistakes seen: a penalty in other units, an intercept that is penalised, classes one against all for a softmax, and
features that are told from their rotations though they are Gaussian, or are not though they are not.
"""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from didlearn.checks.feature_groups import OWN, FeatureGroup
from didlearn.checks.gaussianity.classifiers import classifier_errors
from didlearn.checks.gaussianity.logistic import LIKELIHOODS, called_by_likelihood
from didlearn.random_matrix import fit_mixture
from didlearn.rng import Stream

K, P = 3, 4


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    known = rng.integers(K, size=60)
    return rng.normal(size=(60, P)) + 1.5 * np.eye(K, P)[known] + 20, known, rng.normal(size=(400, P)) + 20.3


def softmax_loss(w, x, known):
    scores = x @ w[:, :P].T + w[:, P]
    return (logsumexp(scores, axis=1) - scores[np.arange(len(x)), known]).sum()


def logistic_loss(w, x, known):
    scores = x @ w[:, :P].T + w[:, P]
    signs = 2 * np.eye(K)[known] - 1
    return np.logaddexp(0, -signs * scores).sum()


@pytest.mark.parametrize(("classifier", "loss"), [("softmax", softmax_loss), ("logistic", logistic_loss)])
@pytest.mark.parametrize("penalty", [0.05, 5.0])
def test_the_objective_of_the_docs_is_minimised(rows, classifier, loss, penalty):
    x, known, new = rows
    scale, centre = 2.5, x.mean(0)

    def objective(flat):
        w = flat.reshape(K, P + 1)
        return loss(w, x - centre, known) / P + penalty * scale / 2 * (w[:, :P] ** 2).sum()

    w = minimize(objective, np.zeros(K * (P + 1)), method="BFGS", options={"gtol": 1e-7}).x.reshape(K, P + 1)
    theirs = ((new - centre) @ w[:, :P].T + w[:, P]).argmax(1)
    ours = called_by_likelihood(classifier, penalty, scale, x, known, new)
    assert (ours != theirs).mean() < 0.005, "but for points on the border"
    assert len(np.unique(theirs)) == K


def group_of(x, labels):
    return FeatureGroup(OWN, "generated", x, labels, tuple(map(str, range(labels.max() + 1))), 0, x.shape[1])


def errors_of(x, labels, seed=0, replicates=19):
    group = group_of(x, labels)
    chosen, _ = group.split(len(x) // 3)
    return classifier_errors(group, chosen, fit_mixture(x, labels), replicates, Stream(seed))


def test_with_two_classes_they_are_the_same():
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 2
    found = errors_of(rng.normal(size=(90, 5)) + labels[:, None], labels)
    for penalty in (0.01, 1.0):
        assert found.error["softmax", penalty] == found.error["logistic", penalty]
        assert (found.null["softmax", penalty] == found.null["logistic", penalty]).all()


# P(more than 6 of 20 at .1) = .2 %, P(more than 10 of 40) = .1 %.
@pytest.mark.parametrize(
    ("trials", "most", "rotations"), [(20, 6, 9), pytest.param(40, 10, 19, marks=pytest.mark.slow)]
)
def test_placements_are_uniform_where_features_are_gaussian(monkeypatch, trials, most, rotations):
    """About a tenth of all mixtures has a p-value of at most .1 among rotations; a wrong family has all or none."""
    monkeypatch.setattr("didlearn.checks.gaussianity.classifiers._predicted", lambda *_: {})  # most of the time
    monkeypatch.setattr("didlearn.checks.gaussianity.classifiers.LIKELIHOOD_PENALTIES", (1.0,))
    small = dict.fromkeys(LIKELIHOODS, 0)
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        labels = np.arange(90) % 3
        x = rng.normal(size=(90, 5)) * np.linspace(0.5, 2, 5) + 1.2 * np.eye(3, 5)[labels]
        found = errors_of(x, labels, seed, rotations)
        for classifier in LIKELIHOODS:
            small[classifier] += found.placement[classifier, 1.0].p_value <= 0.1
    assert all(count <= most for count in small.values()), small


@pytest.mark.parametrize("classifier", LIKELIHOODS)
def test_classes_that_no_two_moments_describe_are_found(classifier):
    """Each class is two far points, beside the other's: a line parts them, and not the Gaussians of their moments."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 2
    far = np.where(rng.random(240) < 0.95, 0.6, 12.0)
    x = rng.normal(size=(240, 3)) * 0.1
    x[:, 0] += np.where(labels == 1, far, -far)
    found = errors_of(x, labels)
    assert found.error[classifier, 0.01] == 0
    assert found.null[classifier, 0.01].mean() > 0.1
    assert found.placement[classifier, 0.01].p_value == 1 / 20


def test_with_many_classes_fewer_rotations_are_classified_by_likelihood(monkeypatch):
    monkeypatch.setattr("didlearn.checks.gaussianity.classifiers._FITS", 60)
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    found = errors_of(rng.normal(size=(90, 5)) + np.eye(3, 5)[labels], labels, replicates=30)
    assert found.null["LS-SVM", 1.0].shape == (30,)
    assert found.null["softmax", 1.0].shape == found.null["logistic", 0.01].shape == (20,)
