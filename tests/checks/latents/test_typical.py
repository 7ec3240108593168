"""Whether latents are typical of the prior: p-values under the null, and what they see."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from didlearn.checks.latents.typical import PriorLaw, neighbour_correlation
from didlearn.models import open_model
from didlearn.models.known.linear import LinearFlow
from didlearn.rng import Stream
from tests.models.known.test_known import Affine


def normal(shape):
    """A model whose latents are normal of this shape."""
    D = int(np.prod(shape))
    flow = LinearFlow(torch.eye(D), torch.zeros(D), shape)
    flow.latent_shape = shape
    return flow


SHAPE = (1, 8, 8)
LAW = PriorLaw.learn(normal(SHAPE), Stream(0))


def draws(count, seed, shape=SHAPE):
    return np.random.default_rng(seed).standard_normal((count, *shape))


def pvalue(z, seed=0, law=LAW):
    return law.pvalue(z, Stream(seed, ("test",)))[0]


@pytest.fixture(scope="module")
def null():
    return np.array([pvalue(draws(10, 1000 + seed), seed) for seed in range(25)])


def test_pvalues_of_the_priors_own_draws_are_uniform(null):
    assert kstest(null, "uniform").pvalue > 1e-3


def test_pvalues_are_uniform_of_another_prior_too():
    law = PriorLaw.learn(open_model(type("Box", (Affine,), {"prior": "uniform"})()), Stream(0))
    rng = np.random.default_rng(5)
    found = [pvalue(rng.uniform(-1, 1, (10, 6)), seed, law) for seed in range(16)]
    assert kstest(found, "uniform").pvalue > 1e-3
    assert pvalue(rng.standard_normal((150, 6)) / 3**0.5, 0, law) < 0.01  # as large, of another law


BLURRED = np.array([[0.25, 0.5, 0.25]])


def blurred(z):
    """Neighbours alike, as large as before."""
    smooth = z + 0.5 * np.roll(z, 1, axis=-1)
    return smooth / smooth.std()


@pytest.mark.parametrize(
    ("change", "statistic"),
    [
        (lambda z: 1.1 * z, "size"),
        (lambda z: 0.9 * z, "size"),
        (blurred, "whiteness"),
        (lambda z: np.sign(z), "law"),
        (lambda z: (z + np.roll(z[:1], 0)) / 2**0.5, "mean"),
    ],
)
def test_each_statistic_sees_its_fault(change, statistic):
    _, each = LAW.pvalue(change(draws(20, 7)), Stream(0, ("test",)))
    assert min(each.values()) == each[statistic] <= 0.005
    assert pvalue(change(draws(20, 7))) <= 0.02


def test_scores_of_single_latents_rise_with_the_fault():
    z = draws(200, 3)
    own = LAW.scores(z)
    assert np.median(own) < 2
    for fault in (1.6 * z, 0.5 * z, blurred(blurred(z)), np.sign(z)):
        assert (LAW.scores(fault) > np.quantile(own, 0.95)).mean() > 0.5


def test_scores_do_not_depend_on_what_is_beside_it():
    z = draws(6, 4)
    np.testing.assert_allclose(LAW.scores(z)[2:3], LAW.scores(z[2:3]))


def test_neighbours_of_white_latents_are_uncorrelated_and_of_a_line_not():
    z = draws(400, 5)
    assert abs(neighbour_correlation(z).mean()) < 0.02
    line = np.cumsum(np.random.default_rng(0).standard_normal((50, 64)), axis=1)
    assert neighbour_correlation(line - line.mean(axis=1, keepdims=True)).mean() > 0.8
    assert LAW.statistics(draws(3, 1, (64,)))[:, 1].shape == (3,)
