import math

import pytest
import torch
from torch import nn
from torch.distributions import Beta, Independent, Laplace, MixtureSameFamily, MultivariateNormal, Normal

from didlearn.errors import ModelError, UsageError
from didlearn.models import open_model
from didlearn.models.oracles import PPCA
from didlearn.models.prior import check_prior, log_density, prior_of, prior_shape, sample_latents


def test_normal_density_is_the_closed_form():
    z = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = MultivariateNormal(torch.zeros(6).double(), torch.eye(6).double()).log_prob(z.flatten(1))
    torch.testing.assert_close(log_density("normal", z), expected)


def test_uniform_density_is_a_box():
    z = torch.tensor([[0.0, 0.9], [0.0, -1.1]])
    assert log_density("uniform", z).tolist() == pytest.approx([-2 * math.log(2), -math.inf])


@pytest.mark.parametrize(
    "prior",
    [
        Normal(1.0, 2.0),
        Normal(torch.ones(4), 2 * torch.ones(4)),
        Independent(Normal(torch.ones(4), 2 * torch.ones(4)), 1),
    ],
)
def test_a_distribution_counts_every_coordinate_once(prior):
    z = sample_latents(prior, (4,), 1000, _rng())
    assert z.shape == (1000, 4)
    torch.testing.assert_close(log_density(prior, z), Normal(1.0, 2.0).log_prob(z).sum(1))
    assert abs(z.mean().item() - 1) < 5 * 2 / 4000**0.5


@pytest.mark.parametrize("prior", ["normal", "uniform", Beta(2.0, 3.0)])
def test_latents_are_a_prefix_and_leave_the_global_generator_alone(prior):
    state = torch.get_rng_state()
    assert torch.equal(sample_latents(prior, (2, 1, 1), 100, _rng())[:37], sample_latents(prior, (2, 1, 1), 37, _rng()))
    assert torch.equal(torch.get_rng_state(), state)


def test_moments_of_the_named_priors():
    normal, uniform = (sample_latents(name, (10,), 2000, _rng()) for name in ("normal", "uniform"))
    assert abs(normal.var().item() - 1) < 5 * (2 / 20000) ** 0.5
    assert abs(uniform.var().item() - 1 / 3) < 5 * (4 / 45 / 20000) ** 0.5
    assert uniform.abs().max() <= 1


def test_no_two_blocks_are_alike():
    z = sample_latents("normal", (3,), 320, _rng())
    assert len(z.unique(dim=0)) == 320


def test_the_shape_of_a_distribution():
    assert prior_shape("normal") is None
    assert prior_shape(Normal(0.0, 1.0)) is None
    assert prior_shape(MultivariateNormal(torch.zeros(5), torch.eye(5))) == (5,)


def test_a_distribution_of_another_shape_is_refused():
    with pytest.raises(ModelError, match=r"draws latents of shape \(5,\), but the model takes \(4,\)"):
        sample_latents(MultivariateNormal(torch.zeros(5), torch.eye(5)), (4,), 3, _rng())


@pytest.mark.parametrize("prior", ["gaussian", 3, torch.randn])
def test_what_is_no_prior_is_refused(prior):
    with pytest.raises(UsageError, match='"normal", "uniform"'):
        check_prior(prior)


def test_a_mixture_is_a_prior():
    mixture = MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([0.5, 0.5])), Normal(torch.tensor([-3.0, 3.0]), torch.ones(2))
    )
    z = sample_latents(mixture, (2,), 50, _rng())
    torch.testing.assert_close(log_density(mixture, z), mixture.log_prob(z).sum(1))


def _rng():
    from didlearn.rng import Stream

    return Stream(1, ("prior",))


class Told(nn.Module):
    """A linear decoder; what it says of its prior is set by the test."""

    def forward(self, z):
        return z.tile(1, 4).view(len(z), 1, 2, -1)


def test_declared_priors_are_recognised():
    def model(prior):
        return open_model(Told(), latent_shape=(2,), value_range=None, prior=prior)

    assert prior_of(model("normal")) == "normal"
    assert prior_of(model("uniform")) == "uniform"
    laplace = Laplace(torch.zeros(2), torch.ones(2))
    assert prior_of(model(Independent(laplace, 1))) is laplace


@pytest.mark.parametrize(("scale", "found"), [(1.0, "normal"), (0.9, None)])
def test_a_model_that_says_nothing_is_judged_by_its_density(scale, found):
    class Silent(PPCA):
        def log_prior(self, z):
            return log_density("normal", z / scale) - z[0].numel() * math.log(scale)

    silent = Silent(torch.ones(4, 2), torch.zeros(4), (1, 2, 2))
    assert prior_of(silent) == found
