"""Populations and samples that several tests share."""

import numpy as np
import pytest


def rotated(p, rng, low=0.2, high=2.0, power=1.0):
    """Return a covariance with a basis of its own."""
    basis, _ = np.linalg.qr(rng.normal(size=(p, p)))
    return (basis * np.linspace(low, high, p) ** power) @ basis.T


@pytest.fixture
def three_classes():
    def make(p, size=4.0):
        rng = np.random.default_rng(1)
        means = np.eye(3, p) * size * np.array([[1.0], [1.3], [1.6]])
        return means, np.stack([rotated(p, rng, power=power) for power in (1, 2, 3)]), np.array([0.5, 0.3, 0.2])

    return make


@pytest.fixture
def draw():
    def sample(means, covariances, counts, rng):
        roots = [np.linalg.cholesky(c + 1e-12 * np.eye(len(c))) for c in covariances]
        rows = [m + rng.normal(size=(n, len(m))) @ r.T for m, r, n in zip(means, roots, counts, strict=True)]
        return np.concatenate(rows), np.repeat(np.arange(len(counts)), counts)

    return sample
