"""Deterministic sampling of Gaussians, whose maps, inverses and densities are closed forms."""

import numpy as np
import pytest
import torch
from scipy.stats import binom, t
from torch import nn

from didlearn.errors import ModelError, UsageError
from didlearn.models import open_model
from didlearn.models.diffusion.sampler import DiffusionModel, FlowModel
from tests.models.diffusion.gaussians import ALPHAS, SHAPE, GaussianVelocity, gaussian, levels, noise, oracle


@pytest.mark.parametrize("spacing", ["uniform", "snr"])
def test_a_round_trip_of_100_steps_leaves_nothing_of_the_variance(spacing):
    model = oracle(100, spacing=spacing)
    x = model(noise(30))
    back = model(model.encode(x))
    assert ((back - x).square().mean() / x.var()).item() < 1e-15  # the issue asks for 1e-4


def test_noise_is_found_again():
    model, z = oracle(20, spacing="snr"), noise(10)
    torch.testing.assert_close(model.encode(model(z)), z, atol=1e-6, rtol=0)


def test_samples_follow_the_gaussian():
    mean, covariance = gaussian()
    x = oracle(200, spacing="snr")(noise(20_000)).flatten(1)
    torch.testing.assert_close(x.mean(dim=0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(x.T.cov(), covariance, atol=0.01, rtol=0)


def covered(model, count, seed):
    """How many of ``count`` images' 95 % intervals hold the closed form of the steps as they are taken."""
    x = model(noise(count, seed))
    density = model.density(x)
    exact = model.network.sampled_log_density(x, levels(model))
    reach = t.ppf(0.975, model.probes - 1) * density.standard_error
    return int(((density.value - exact).abs() <= reach + 1e-6).sum())


def test_a_densitys_interval_covers():
    hits = covered(oracle(20, spacing="snr", probes=4), 150, 3)
    low, high = binom.ppf([0.0005, 0.9995], 150, 0.95)
    assert low <= hits <= high


def test_the_mean_density_is_the_gaussians_own_as_steps_grow_short():
    model = oracle(300, spacing="snr", probes=4, krylov=2)
    x = model(noise(40, 5))
    off = model.density(x).value - model.network.log_density(x)
    assert abs(off.mean()) < 4 * off.std() / 40**0.5 + 0.05  # nats: what 300 steps leave
    coarse = oracle(5, spacing="snr", probes=4)
    far = coarse.density(x).value - model.network.log_density(x)
    assert far.abs().mean() > 3 * off.abs().mean()


def test_a_density_does_not_depend_on_what_is_beside_it():
    model = oracle(10, spacing="snr")
    x = model(noise(6))
    torch.testing.assert_close(model.log_density(x)[2:3], model.log_density(x[2:3]), rtol=1e-9, atol=1e-7)
    assert not torch.equal(model.density(x).standard_error[:1], model.density(x[1:2]).standard_error)


def test_one_probe_has_no_error_to_tell():
    model = oracle(5, probes=1)
    assert model.density(model(noise(2))).standard_error.isnan().all()


class Other(nn.Module):
    """The oracle's prediction in other terms: √ᾱ ε − √(1 − ᾱ) x₀, or x₀."""

    def __init__(self, network, kind):
        super().__init__()
        self.network, self.kind = network, kind

    def forward(self, x, t):
        alpha = torch.tensor(ALPHAS)[t.long()].view(-1, 1, 1, 1)
        noise = self.network(x, t)
        clean = (x - (1 - alpha).sqrt() * noise) / alpha.sqrt()
        return clean if self.kind == "image" else alpha.sqrt() * noise - (1 - alpha).sqrt() * clean


@pytest.mark.parametrize("kind", ["velocity", "image"])
def test_what_a_network_predicts_can_be_said_in_three_ways(kind):
    model, z = oracle(10), noise(3)
    network = Other(model.network, kind)
    same = DiffusionModel(
        network, alphas=ALPHAS, image_shape=SHAPE, steps=10, value_range=None, prediction=kind, solver="euler"
    )
    torch.testing.assert_close(same(z), model(z))


def test_heun_comes_nearer_in_as_many_steps():
    fine, z = oracle(900, spacing="uniform"), noise(20)
    exact = fine(z)
    errors = [(oracle(25, spacing="snr", solver=solver)(z) - exact).square().mean() for solver in ("euler", "heun")]
    assert errors[1] < errors[0] / 10


MEAN, VARIANCE = 0.4, 0.05


@pytest.mark.parametrize("solver", ["euler", "heun"])
def test_a_flow_of_a_gaussian_has_its_density(solver):
    steps = 400 if solver == "euler" else 60
    flow = FlowModel(
        GaussianVelocity(MEAN, VARIANCE), image_shape=SHAPE, steps=steps, value_range=None, solver=solver, krylov=2
    )
    z = noise(10)
    x = flow(z)
    torch.testing.assert_close(x, MEAN + VARIANCE**0.5 * z, atol=0.03, rtol=0)
    torch.testing.assert_close(flow.encode(x), z, atol=1e-7, rtol=0)
    normal = torch.distributions.Normal(MEAN, VARIANCE**0.5)
    exact = normal.log_prob(x).flatten(1).sum(dim=1)
    # Its Jacobian is a multiple of the identity, so that probes have no spread and only the steps' length is left.
    torch.testing.assert_close(flow.log_density(x), exact, atol=0.25, rtol=0)


class Reversed(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, t):
        return -self.network(x, 1 - t)


def test_a_flow_may_count_its_time_from_the_image():
    network = GaussianVelocity(MEAN, VARIANCE)
    forwards = FlowModel(network, image_shape=SHAPE, steps=7, value_range=None)
    backwards = FlowModel(Reversed(network), image_shape=SHAPE, steps=7, times=(1, 0), value_range=None)
    torch.testing.assert_close(forwards(noise(3)), backwards(noise(3)))


def test_opened_it_is_a_latent_model_whose_latent_is_as_large_as_the_image():
    opened = open_model(oracle(10))
    assert opened.latent_shape == opened.image_shape == SHAPE
    z = noise(2)
    torch.testing.assert_close(opened.decode(z), oracle(10)(z))
    assert opened.fingerprint != open_model(oracle(11)).fingerprint


def test_the_latent_has_the_size_of_the_noise_that_sampling_starts_from():
    one, ten = oracle(10), oracle(10, start=10.0)
    z = noise(4)
    torch.testing.assert_close(ten(z / 10), one(z))
    torch.testing.assert_close(ten.encode(one(z)), z / 10, atol=1e-6, rtol=0)
    gap = ten.log_density(one(z)) - one.log_density(one(z))
    expected = -16 * np.log(10) - 0.5 * ((z / 10).square() - z.square()).flatten(1).sum(dim=1)
    torch.testing.assert_close(gap, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"prediction": "score"}, "predicts one of noise"),
        ({"solver": "rk4"}, "no solver 'rk4'"),
        ({"spacing": "karras"}, "the spacing is 'karras'"),
        ({"times": [0.0, 1.0]}, "1000 alphas and 2 times"),
        ({"steps": [5, 1000]}, "indices of alphas"),
        ({"steps": [5, 900]}, "rise from noise"),
        ({"probes": 0}, "probes is 0"),
        ({"start": 0.0}, "start is 0"),
        ({"alphas": [[0.5]]}, "a row of at least two"),
    ],
)
def test_what_cannot_be_used_is_said(settings, said):
    given = {"alphas": ALPHAS, "image_shape": SHAPE} | settings
    with pytest.raises(UsageError, match=said):
        DiffusionModel(nn.Identity(), **given)


def test_a_flow_takes_at_least_one_step():
    with pytest.raises(UsageError, match="lead nowhere"):
        FlowModel(nn.Identity(), image_shape=SHAPE, steps=0)


class Tuple(nn.Module):
    def forward(self, x, t):
        return (x,)


def test_a_network_that_predicts_no_tensor_is_named():
    with pytest.raises(ModelError, match="predicted tuple"):
        FlowModel(Tuple(), image_shape=SHAPE, steps=1)(noise(1))
