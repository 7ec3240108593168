"""Design 1 under the null and against faults. Mistakes seen: plug-in moments, a reference mean with the data in it."""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.errors import DataError, UsageError
from didlearn.random_matrix import fit_mixture, moment_test


def p_values(p, n, trials, replicates=99, fresh=50):
    found = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        root = np.diag(np.sqrt(np.linspace(0.2, 2, p)))
        moments = fit_mixture(rng.normal(size=(fresh * p, p)) @ root)
        x = rng.normal(size=(n, p)) @ root
        found.append(moment_test(x, moments=moments, rng=rng, replicates=replicates, allow_few=True).p_value)
    return np.array(found)


def test_p_values_of_gaussians_are_uniform():
    assert kstest(p_values(20, 40, 60), "uniform").pvalue > 0.01


def test_moments_of_the_tested_samples_themselves_are_too_few():
    """Papers, 4.5: plug-in moments reject truly Gaussian data every time; the test refuses them."""
    x = np.random.default_rng(0).normal(size=(100, 20))
    with pytest.raises(DataError, match="draw 1000 fresh ones"):
        moment_test(x, moments=fit_mixture(x), rng=np.random.default_rng(0))


@pytest.mark.slow
def test_p_values_are_uniform_at_full_size():
    assert kstest(p_values(200, 400, 200), "uniform").pvalue > 0.01


def mixture(n, rng, tails=False):
    labels = np.repeat([0, 1, 2], n // 3)
    x = rng.normal(size=(len(labels), 40)) + 3 * np.eye(3, 40)[labels]
    return (x / np.sqrt(rng.chisquare(3, size=(len(x), 1)) / 3) if tails else x), labels


@pytest.mark.parametrize("tails", [False, True])
def test_a_mixture_passes_and_heavy_tails_do_not(tails):
    rng = np.random.default_rng(0)
    moments = fit_mixture(*mixture(3 * 50 * 40, rng, tails))
    result = moment_test(*mixture(120, rng, tails), moments=moments, rng=rng, replicates=39)
    assert (result.p_value <= 0.05) == tails
    assert set(result.statistics) >= {"wasserstein", "kolmogorov", "eigenvalue_1", "angle_1", "angle_3", "clustering"}
    assert result.vectors.shape == (120, 3)
    assert result.replicate_eigenvalues.shape == (39, 40)


def test_an_edge_further_out_is_said_in_percent():
    rng = np.random.default_rng(0)
    moments = fit_mixture(rng.normal(size=(1000, 20)))
    x = rng.normal(size=(60, 20))
    x[:, 0] *= 4
    top = moment_test(x, moments=moments, rng=rng, replicates=19).statistics["eigenvalue_1"]
    assert top.p_value == pytest.approx(0.05)
    assert top.shift > 0.5


def test_other_classes_than_the_moments_are_refused():
    x = np.random.default_rng(0).normal(size=(1000, 20))
    with pytest.raises(UsageError, match="classes, features"):
        moment_test(x[:, :10], moments=fit_mixture(x), rng=np.random.default_rng(0))
