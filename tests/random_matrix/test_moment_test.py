"""The Gram matrix among rotations, under the null and against faults.

Mistakes seen: plug-in moments (uniformity, any covariance), a reference mean with the data in it, frames with a
constant part or wrong scatter of the rows not drawn (test_rotation).
"""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.errors import DataError, UsageError
from didlearn.random_matrix import moment_test
from tests.random_matrix.steps import spread

SPECTRA = {"identity": lambda i: 1.0 + 0 * i, "decay": lambda i: 1 / i, "linear": lambda i: 0.2 + i / 20}


def p_values(p, n, fresh, trials, spectrum, replicates=99):
    found = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n + fresh, p)) * np.sqrt(SPECTRA[spectrum](np.arange(1, p + 1))) + 1
        found.append(moment_test(x[:n], fresh=x[n:], rng=rng, replicates=replicates).statistics)
    return {name: np.array([one[name].p_value for one in found]) for name in found[0]}


# 19 replicates place a p-value to a twentieth, which kstest hardly sees in 40 of them.
@pytest.mark.parametrize(("trials", "replicates"), [(40, 19), pytest.param(60, 99, marks=pytest.mark.slow)])
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize(("p", "n", "fresh"), [(10, 20, 60), (30, 10, 12)])
def test_p_values_of_gaussians_are_uniform_for_any_covariance(p, n, fresh, spectrum, trials, replicates):
    found = p_values(p, n, fresh, trials, spectrum, replicates)["wasserstein"]
    assert kstest(spread(found, replicates), "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_p_values_are_uniform_at_full_size(spectrum):
    found = p_values(200, 400, 1000, 200, spectrum)
    uniform = {name: kstest(found[name], "uniform").pvalue for name in ("wasserstein", "edge", "radius", "leverage")}
    assert min(uniform.values()) > 0.01, uniform


def test_radii_and_leverages_of_heavy_tails_vary_more():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 30)) * np.linspace(0.1, 3, 30) / np.sqrt(rng.chisquare(10, size=(600, 1)) / 10)
    found = moment_test(x[:200], fresh=x[200:], rng=rng, replicates=39)
    for name in ("radius", "leverage"):
        assert found.statistics[name].p_value == pytest.approx(1 / 40)
        assert found.scalars[name][0] > 2 * found.scalars[name][1:].mean()


def test_leverages_need_more_rows_than_dimensions():
    x = np.random.default_rng(0).normal(size=(40, 50))
    found = moment_test(x[:20], fresh=x[20:], rng=np.random.default_rng(0), replicates=19)
    assert "leverage" not in found.statistics


def mixture(n, rng, tails=False):
    labels = np.repeat([0, 1, 2], n // 3)
    x = rng.normal(size=(len(labels), 40)) + 3 * np.eye(3, 40)[labels]
    return (x / np.sqrt(rng.chisquare(3, size=(len(x), 1)) / 3) if tails else x), labels


@pytest.mark.parametrize("tails", [False, True])
def test_a_mixture_passes_and_heavy_tails_do_not(tails):
    rng = np.random.default_rng(0)
    fresh, known = mixture(600, rng, tails)
    result = moment_test(*mixture(120, rng, tails), fresh=fresh, fresh_labels=known, rng=rng, replicates=39)
    assert (result.p_value <= 0.05) == tails
    assert set(result.statistics) >= {"wasserstein", "kolmogorov", "eigenvalue_1", "angle_1", "angle_3", "clustering"}
    assert result.vectors.shape == (120, 3)
    assert result.replicate_eigenvalues.shape == (39, 40)
    assert {len(values) for values in result.scalars.values()} == {40}


def test_more_classes_than_dimensions_leave_so_many_angles():
    """Mistake seen: an index error. Classes far apart are spanned, and told, by as many eigenvectors as there are."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 40)
    x = rng.normal(size=(240, 4)) + 40 * rng.normal(size=(6, 4))[labels]
    some = np.arange(240) % 2 == 0
    result = moment_test(x[some], labels[some], fresh=x[~some], fresh_labels=labels[~some], rng=rng, replicates=19)
    assert [name for name in result.statistics if name.startswith("angle")] == [f"angle_{i}" for i in (1, 2, 3, 4)]
    assert all((result.scalars[f"angle_{i}"] > 0.98).all() for i in (1, 2, 3, 4))
    assert (result.scalars["clustering"] > 0.98).all()


def test_an_edge_further_out_is_said_in_percent():
    rng = np.random.default_rng(0)
    fresh = rng.normal(size=(1000, 20))
    x = rng.normal(size=(60, 20))
    x[:, 0] *= 4
    result = moment_test(x, fresh=fresh, rng=rng, replicates=19)
    for name in ("eigenvalue_1", "edge"):
        assert result.statistics[name].p_value == pytest.approx(0.05)
        assert result.statistics[name].shift > 0.5


def test_the_means_do_not_count_as_an_edge():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 20)) + 50
    result = moment_test(x[:100], fresh=x[100:], rng=rng, replicates=19)
    assert result.scalars["edge"][0] < 0.1 * result.eigenvalues[-1]


def test_what_cannot_be_compared_is_refused():
    x = np.random.default_rng(0).normal(size=(100, 20))
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="20 dimensions, the fresh ones 10"):
        moment_test(x, fresh=x[:, :10], rng=rng)
    with pytest.raises(UsageError, match="both or neither"):
        moment_test(x, np.arange(100) % 2, fresh=x, rng=rng)
    with pytest.raises(UsageError, match="at least 19"):
        moment_test(x, rng=rng, replicates=5)
    with pytest.raises(DataError, match="NaN"):
        moment_test(np.where(x > 2, np.nan, x), rng=rng)
