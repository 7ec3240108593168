"""The F-matrix test: exact under the null whatever the covariance, with power where whitening brings a fault out.

Mistakes seen: replicates centred otherwise than the data (uniformity), a projection that depends on the data (the same
with n < p), one-sided placement (duplicates narrow the spectrum, heavy tails widen it).
"""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.errors import DataError, UsageError
from didlearn.random_matrix import pivotal_test
from tests.random_matrix.steps import spread

P = 200


def gaussian(n, rng, p=P):
    return rng.normal(size=(n, p)) @ (np.linspace(0.1, 2, p)[:, None] * np.eye(p) + 0.01) + 3


def relu(latent, p=P, width=400):
    rng = np.random.default_rng(latent)
    first, second = rng.normal(size=(latent, width)) / latent**0.5, rng.normal(size=(width, p)) / width**0.5
    return lambda n, rng: np.maximum(rng.normal(size=(n, latent)) @ first, 0) @ second


def elliptical(n, rng):
    return (gaussian(n, rng) - 3) / np.sqrt(rng.chisquare(10, size=(n, 1)) / 10)


def duplicated(n, rng):
    return gaussian(n // 2, rng)[rng.integers(n // 2, size=n)]


def p_values(draw, trials, n, **options):
    found = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        found.append(pivotal_test(draw(n, rng), rng=rng, **options).p_value)
    return np.array(found)


@pytest.mark.parametrize("replicates", [19, pytest.param(99, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("p", "n"), [(12, 100), (80, 60)], ids=["more rows", "more dimensions than rows"])
def test_p_values_of_gaussians_are_uniform(p, n, replicates):
    found = p_values(lambda n, rng: gaussian(n, rng, p), 60, n, replicates=replicates)
    assert kstest(spread(found, replicates), "uniform").pvalue > 0.01


@pytest.mark.parametrize("draw", [elliptical, relu(4), duplicated], ids=["elliptical", "latent 4", "duplicated"])
def test_faults_are_rejected(draw):
    assert (p_values(draw, 2, 1000, replicates=19) <= 0.05).all()


@pytest.mark.slow
def test_p_values_are_uniform_at_full_size():
    assert kstest(p_values(gaussian, 200, 1000), "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("draw", [elliptical, relu(4), duplicated], ids=["elliptical", "latent 4", "duplicated"])
def test_power_at_full_size(draw):
    assert np.mean(p_values(draw, 40, 1000) <= 0.05) >= 0.9


@pytest.mark.slow
def test_a_large_latent_is_not_rejected():
    assert np.mean(p_values(relu(512), 40, 1000) <= 0.05) <= 0.3


def test_classes_are_tested_about_their_own_moments():
    rng = np.random.default_rng(0)
    x = np.concatenate([gaussian(100, rng, 10), 50 + 7 * rng.normal(size=(100, 10))])
    result = pivotal_test(x, np.repeat([0, 1], 100), rng=rng)
    assert result.p_value > 0.05
    assert result.eigenvalues.shape == (2, 10)
    assert pivotal_test(x, rng=rng).p_value <= 0.05


def test_constant_features_are_left_out():
    rng = np.random.default_rng(0)
    x = np.concatenate([gaussian(100, rng, 10), np.ones((100, 5))], axis=1)
    assert pivotal_test(x, rng=rng).dimension == 10


def test_too_few_rows_say_how_many_are_needed():
    with pytest.raises(DataError, match="at least 20 in each"):
        pivotal_test(np.random.default_rng(0).normal(size=(8, 10)), rng=np.random.default_rng(0))
    with pytest.raises(UsageError, match="at least 19"):
        pivotal_test(np.eye(30), rng=np.random.default_rng(0), replicates=5)
