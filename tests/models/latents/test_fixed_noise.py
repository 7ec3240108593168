"""Noise that is fixed: one image of one latent, in every company, by whatever call it is drawn."""

import warnings
from typing import Any

import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.models.latents.fixed_noise import NOISE_NOTE, fixed_noise, with_fixed_noise
from didlearn.rng import Stream
from tests.inversion.gans import StyleGAN2


class Noisy(nn.Module):
    latent_shape, value_range = (8,), None

    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def forward(self, z):
        return z.view(-1, 1, 2, 4) + 0.1 * self.draw(z).view(-1, 1, 2, 4)


DRAWS = {
    "randn": lambda z: torch.randn(len(z), 8),
    "randn_like": torch.randn_like,
    "rand": lambda z: torch.rand([len(z), 8]),
    "rand_like": lambda z: torch.rand_like(z),
    "normal_": lambda z: torch.empty(len(z), 8).normal_(0.0, 2.0),
    "uniform_": lambda z: torch.empty_like(z).uniform_(-1, 3),
    "shared": lambda z: torch.randn(1, 8).expand(len(z), -1),
    "twice": lambda z: torch.randn_like(z) + torch.randn(len(z), 1),
}


@pytest.mark.parametrize("name", DRAWS)
def test_an_image_is_the_same_in_every_call_and_company(name):
    model: Any = dl.open_model(Noisy(DRAWS[name]))
    assert model.stochastic
    fixed = with_fixed_noise(model)
    z = torch.randn(5, 8)
    together = fixed.decode(z)
    assert torch.equal(together, fixed.decode(z))
    assert torch.allclose(together[2:4], fixed.decode(z[2:4]))
    noise = together.flatten(1) - z
    assert torch.allclose(noise, noise[:1].expand_as(noise), atol=1e-6)
    assert noise.abs().max() > 0.01
    assert not fixed.stochastic
    assert model.stochastic, "the model itself goes on drawing"
    assert fixed.notes[-1] == NOISE_NOTE
    assert fixed.identity != model.identity


def test_the_numbers_follow_the_laws_asked_for():
    with fixed_noise(3):
        normal, even, filled = torch.randn(3, 4000), torch.rand(3, 4000), torch.empty(3, 4000).normal_(5.0, 2.0)
        again = torch.randn(3, 4000)
    assert abs(normal[0].mean()) < 4 / 4000**0.5
    assert normal[0].std() == pytest.approx(1, abs=0.06)
    assert even[0].mean() == pytest.approx(0.5, abs=0.03)
    assert (filled[0].mean(), filled[0].std()) == (pytest.approx(5, abs=0.15), pytest.approx(2, abs=0.12))
    assert not torch.equal(normal, again), "layers draw one after another"


def test_the_global_generator_is_left_alone():
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    with fixed_noise(3):
        torch.randn(3, 2)
    assert torch.equal(torch.rand(3), expected)


def test_a_network_with_noise_inputs_has_gradients_and_makes_what_it_makes_with_that_noise():
    fixed = with_fixed_noise(dl.open_model(StyleGAN2(d=8, side=16, channels=(8, 8, 8))))
    z = fixed.sample_prior(3, Stream(0)).requires_grad_()
    fixed.decode(z).sum().backward()
    assert (z.grad.abs().sum(dim=1) > 0).all()
    twin = fixed.replicas(2)[1]
    assert torch.equal(twin.decode(z.detach()), fixed.decode(z.detach()))


def test_torchscript_draws_fixed_noise_too(tmp_path):
    class Scripted(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return z.view(-1, 1, 2, 4) + 0.1 * torch.randn_like(z).view(-1, 1, 2, 4)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(Scripted())
    scripted.save(tmp_path / "g.pt")
    model: Any = dl.open_model(tmp_path / "g.pt", latent_shape=8, value_range=None, trust_code=True)
    assert model.stochastic
    z = torch.randn(4, 8)
    assert torch.equal(with_fixed_noise(model).decode(z)[:2], with_fixed_noise(model).decode(z[:2]))


def test_what_draws_no_noise_is_itself():
    model = dl.open_model(nn.Sequential(nn.Linear(4, 16), nn.Unflatten(1, (1, 4, 4))), latent_shape=4)
    assert with_fixed_noise(model) is model
