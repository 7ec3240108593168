"""Maps of normal numbers have the law of the prior they stand for, and are what searches and likelihoods use."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import distributions as law
from torch import nn

import didlearn as dl
from didlearn.errors import UsageError
from didlearn.evidence.bdmc import bdmc
from didlearn.evidence.log_evidence import log_evidence
from didlearn.inversion.invert import invert
from didlearn.models.latents.normal_map import normal_map
from didlearn.models.oracles import PPCA
from didlearn.rng import Stream
from tests.inversion.decoders import decoder
from tests.inversion.gans import TruncatedNormal

FACTOR = torch.tensor([[1.0, 0, 0], [0.5, 0.7, 0], [-0.3, 0.2, 0.4]])
LOC = torch.tensor([0.5, -1.0, 2.0])
LAWS = {
    "normal": law.Normal(LOC, torch.tensor([1.0, 0.5, 2.0])),
    "independent": law.Independent(law.Normal(LOC, torch.ones(3)), 1),
    "uniform": law.Uniform(torch.tensor(-2.0), torch.tensor(3.0)),
    "log-normal": law.LogNormal(LOC, 0.5 * torch.ones(3)),
    "correlated": law.MultivariateNormal(LOC, scale_tril=FACTOR),
    "low rank": law.LowRankMultivariateNormal(LOC, FACTOR[:, :1], torch.ones(3)),
    "transformed": law.TransformedDistribution(
        law.Normal(torch.zeros(3), torch.ones(3)), [law.AffineTransform(1.0, 2.0), law.TanhTransform()]
    ),
    "truncated": TruncatedNormal(0.8),
    "laplace": law.Laplace(torch.zeros(3), torch.ones(3)),
}


@pytest.mark.parametrize("name", LAWS)
def test_the_map_of_normal_numbers_has_the_priors_law(name):
    prior = LAWS[name]
    v = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))
    z = normal_map(prior)(v)
    torch.manual_seed(1)
    shape = () if tuple(prior.batch_shape + prior.event_shape) == (3,) else (3,)
    drawn = prior.sample((4000, *shape))
    assert z.shape == drawn.shape == v.shape
    assert z.dtype == v.dtype
    # Every coordinate and a sum that sees correlations, at a level that eight laws of four tests survive.
    for ours, theirs in [*zip(z.T, drawn.T, strict=True), (z.sum(1), drawn.sum(1))]:
        assert ks_2samp(ours.numpy(), theirs.numpy()).pvalue > 1e-4


def test_a_law_that_is_no_map_of_a_normal_one_has_none():
    assert normal_map(None) is None
    assert normal_map(law.Dirichlet(torch.ones(3))) is None
    assert normal_map(law.Poisson(torch.ones(3))) is None
    assert normal_map(law.TransformedDistribution(law.Poisson(torch.ones(3)), [law.ExpTransform()])) is None


def linear_under(prior, d=3):
    """A linear decoder of latents under a prior: with a normal one, PPCA in other coordinates."""
    g = torch.Generator().manual_seed(2)
    W = torch.randn(16, d, generator=g) / 4
    return W, decoder(lambda z: (z @ W.T + 0.5).view(-1, 1, 4, 4), d, prior=prior)


def test_likelihood_under_a_correlated_prior_is_that_of_the_closed_form():
    W, model = linear_under(LAWS["correlated"])
    exact = PPCA((W @ FACTOR).double(), (W @ LOC + 0.5).double(), (1, 4, 4))
    g = torch.Generator().manual_seed(3)
    x = exact.decode(torch.randn(6, 3, generator=g)) + 0.1 * torch.randn(6, 1, 4, 4, generator=g)
    found = log_evidence(model, x.float(), sigma=0.1, chains=8, budget=200)
    error = 4 * found.standard_error + found.log_weight_variance / 16
    assert (np.abs(found.lower - exact.log_evidence(x, 0.1).numpy()) <= error).all()


@pytest.mark.parametrize("name", ["log-normal", "transformed", "truncated"])
def test_the_sandwich_holds_under_mapped_priors(name):
    _, model = linear_under(LAWS[name])
    found = bdmc(model, sigma=0.2, images=4, chains=8, budget=200)
    assert (found.lower <= found.upper + 4 * found.standard_error).all()
    assert found.gap < 1


def test_the_search_is_in_normal_coordinates_and_reports_the_models_latents():
    _, model = linear_under(LAWS["log-normal"])
    z = model.sample_prior(6, Stream(4))
    x = model.decode(z).numpy()
    found = invert(model, x, draws=50, starts=4, rounds=1)
    assert np.allclose(found.latent, z, rtol=1e-2)
    v = (z.log() - LOC) / 0.5
    assert np.allclose(found.norm, v.norm(dim=1), rtol=1e-2)
    assert np.allclose(found.log_prior, -v.square().sum(1) / 2 - 1.5 * math.log(2 * math.pi), rtol=1e-2)
    # Log-normal latents are positive: what only a negative one makes is not made.
    away = model.decode(torch.tensor([[-3.0, 1.0, 1.0]])).numpy()
    assert (invert(model, away, draws=50, starts=4, rounds=1).latent > 0).all()


def test_a_prior_that_depends_on_the_class_is_folded_into_the_network():
    means = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 5.0]])
    spread = torch.tensor([[1.0, 1.0], [0.5, 2.0], [0.1, 0.1]])

    class Net(nn.Module):
        latent_shape, value_range, classes = (2,), None, 3
        prior = law.Independent(law.Normal(means, spread), 1)

        def forward(self, z, labels):
            return torch.cat([z, z + labels[:, None], z.new_zeros(len(z), 4)], dim=1).view(-1, 1, 2, 4)

    model = dl.open_model(Net())
    labels = torch.tensor([0, 1, 2])
    assert model.prior == "normal"
    assert any("depends on the class" in note for note in model.notes)
    assert torch.allclose(model.decode(torch.ones(3, 2), labels)[:, 0, 0, :2], means + spread)
    x = model.decode(torch.tensor([[0.3, -1.0], [1.0, 0.2], [0.1, 0.4]]), labels).numpy()
    found = invert(model, x, labels=labels, draws=50, starts=2, rounds=1)
    assert np.allclose(found.latent, [[0.3, -1.0], [1.0, 0.2], [0.1, 0.4]], atol=1e-2)
    other = Net()
    other.prior = law.Independent(law.Normal(means + 1, spread), 1)
    assert dl.open_model(other).fingerprint != model.fingerprint


def test_a_prior_that_is_no_map_is_refused_with_what_would_do():
    model = decoder(lambda z: z.tile(1, 4).view(-1, 1, 2, 6)[:, :, :, :4], 3, prior=law.Dirichlet(torch.ones(3)))
    with pytest.raises(UsageError, match="Dirichlet; likelihoods need latents that are a map of normal ones"):
        log_evidence(model, np.zeros((1, *model.image_shape), np.float32), budget=200)
