"""The deterministic equivalent against simulation; the printed Ω must fail (papers: a sign, and (δ − 1)/(δ + 1))."""

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.random_matrix import resolvent_equivalent


def simulated(means, covariances, proportions, n, z, draw):
    counts = np.round(proportions * n).astype(int)
    found = []
    for seed in range(30):
        x, y = draw(means, covariances, counts, np.random.default_rng(seed))
        resolvent = np.linalg.inv(x @ x.T / x.shape[1] + z * np.eye(n))
        j = np.eye(3)[y]
        found.append((j.T @ resolvent @ j / n, np.trace(resolvent) / n))
    return np.mean([f[0] for f in found], 0), np.mean([f[1] for f in found])


def test_the_corrected_form_matches_simulation_and_the_printed_one_fails(three_classes, draw):
    means, covariances, proportions = three_classes(100, size=1.5)
    e = resolvent_equivalent(means, covariances, proportions, 0.5, 0.7)
    classes, trace = simulated(means, covariances, proportions, 200, 0.7, draw)
    np.testing.assert_allclose(np.diag(e.classes), np.diag(classes), rtol=0.07)
    assert e.mean_trace == pytest.approx(trace, rel=0.01)

    omega = e.omega * np.outer(1 + e.delta, 1 + e.delta) * np.diag((e.delta - 1) / (e.delta + 1))
    printed = (np.diag(proportions / (1 + e.delta)) + 2 * np.outer(proportions, proportions) * omega) / 0.7
    assert (np.abs(np.diag(printed) / np.diag(classes) - 1) > 0.1).all()


def test_both_forms_are_one(three_classes):
    means, covariances, proportions = three_classes(30)
    for z in (0.01, 1.0, 30.0):
        e = resolvent_equivalent(means, covariances, proportions, 0.5, z)
        outer = np.outer(proportions, proportions) / 0.5
        np.testing.assert_allclose((np.diag(proportions / (1 + e.delta)) - outer * e.omega) / z, e.classes, atol=1e-9)


def test_z_must_be_positive():
    with pytest.raises(UsageError, match="positive z"):
        resolvent_equivalent(np.zeros((1, 3)), np.eye(3)[None], [1.0], 0.5, -1.0)
