"""Surrogates have the moments they were given, and no p × p factor where there are few rows."""

import numpy as np
import pytest

from didlearn.errors import DataError, UsageError
from didlearn.random_matrix import fit_mixture


def test_moments_are_those_of_the_sample():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 6)) * np.arange(1, 7), np.repeat(["b", "a"], 150)
    m = fit_mixture(x, y, shrink=False)
    np.testing.assert_allclose(m.covariances()[0], np.cov(x[150:].T), atol=1e-9)
    np.testing.assert_allclose(m.means[1], x[:150].mean(0))
    drawn, labels = m.draw([40_000, 10], rng)
    np.testing.assert_allclose(np.cov(drawn[labels == 0].T), m.covariances()[0], atol=0.9)
    assert np.bincount(labels).tolist() == [40_000, 10]


def test_few_rows_keep_a_thin_factor():
    x = np.random.default_rng(0).normal(size=(20, 500))
    m = fit_mixture(x, shrink=False)
    assert m.factors[0].shape == (20, 500)
    np.testing.assert_allclose(m.factors[0].T @ m.factors[0], np.cov(x.T), atol=1e-10)


@pytest.mark.parametrize(("rows", "p"), [(400, 40), (60, 200)])
def test_shrinking_takes_the_noise_out_of_the_spectrum(rows, p):
    rng = np.random.default_rng(0)
    truth = np.linspace(0.5, 2, p)
    traces = [
        [
            (fit_mixture(rng.normal(size=(rows, p)) * np.sqrt(truth), shrink=s).covariances() ** 2).sum()
            for s in (True, False)
        ]
        for _ in range(20)
    ]
    shrunk, plain = np.mean(traces, 0)
    assert shrunk == pytest.approx((truth**2).sum(), rel=0.02)
    assert plain > 1.05 * (truth**2).sum()


@pytest.mark.parametrize(
    ("features", "labels", "error", "message"),
    [
        (np.array([[1.0, np.nan], [1, 2], [3, 4]]), None, DataError, "1 of 3 rows"),
        (np.ones((5, 3)), None, DataError, "rows of features are equal"),
        (np.eye(3), [0, 0, 1], DataError, "class 1 has 1 rows"),
        (np.eye(3), [0, 0], UsageError, "one label per row"),
        (np.zeros(3), None, UsageError, r"shape \(n, p\)"),
    ],
)
def test_bad_features_are_refused(features, labels, error, message):
    with pytest.raises(error, match=message):
        fit_mixture(features, labels)
