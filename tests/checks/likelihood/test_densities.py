"""Simple densities against closed forms."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from didlearn.checks.likelihood.densities import MixtureDensity, NormalDensity, fit_densities


def data(n=500, D=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, D)) @ rng.normal(size=(D, D)) * 0.3 + 1


def test_a_full_gaussian_is_scipys():
    x = data()
    expected = multivariate_normal(x.mean(axis=0), np.cov(x.T, bias=True)).logpdf(x[:20])
    assert np.allclose(NormalDensity.fit(x, 6).log_density(x[:20]), expected)


def test_ppca_is_the_maximum_likelihood_of_tipping_and_bishop():
    x, d = data(), 2
    values = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))[::-1]
    rest = values[d:].mean()
    # At the maximum the mean log-likelihood is −½(Σ log λ + (D − d) log s + D + D log 2π).
    expected = -0.5 * (np.log(values[:d]).sum() + 4 * math.log(rest) + 6 + 6 * math.log(2 * math.pi))
    assert NormalDensity.fit(x, d).log_density(x).mean() == pytest.approx(expected)


def test_weights_count_rows():
    x = data(40)
    twice = np.concatenate([x, x[:10]])
    weights = np.ones(40) + (np.arange(40) < 10)
    assert np.allclose(NormalDensity.fit(x, 2, weights).log_density(x), NormalDensity.fit(twice, 2).log_density(x))


def test_a_mixture_finds_two_clusters_and_is_a_density():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(-4, 0.5, size=(300, 1)), rng.normal(3, 1.0, size=(100, 1))])
    x = np.concatenate([x, rng.normal(size=(400, 1))], axis=1)
    model = MixtureDensity.fit(x, 1, 2, rng)
    assert np.sort(model.weights) == pytest.approx([0.25, 0.75], abs=0.02)
    a, b = np.meshgrid(np.linspace(-9, 9, 300), np.linspace(-6, 6, 200))
    grid = np.stack([a.ravel(), b.ravel()], axis=1)
    area = (18 / 299) * (12 / 199)
    assert np.exp(model.log_density(grid)).sum() * area == pytest.approx(1, abs=0.01)
    assert model.log_density(x).mean() > NormalDensity.fit(x, 2).log_density(x).mean() + 0.3


def test_constant_pixels_do_not_break_a_fit():
    x = np.random.default_rng(2).random((100, 5))
    x[:, 3] = 0.5
    for model in fit_densities(x, 2, np.random.default_rng(0)).values():
        assert np.isfinite(model.log_density(x)).all()


def test_images_of_one_pixel_have_a_normal_density():
    x = np.random.default_rng(3).random((100, 1))
    expected = multivariate_normal(x.mean(), x.var()).logpdf(x)
    for model in fit_densities(x, 2, np.random.default_rng(0)).values():
        assert np.isfinite(model.log_density(x)).all()
    assert np.allclose(fit_densities(x, 2, np.random.default_rng(0))["ppca"].log_density(x), expected)
