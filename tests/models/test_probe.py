import random

import pytest
import torch
from torch import nn

from didlearn.errors import ModelError
from didlearn.models import open_model


class Dcgan(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.ConvTranspose2d(20, 8, 4), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1))

    def forward(self, z):
        return self.layers(z).sigmoid()


class Labelled(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embedding = nn.Embedding(5, width)
        self.layer = nn.Linear(7 + width, 16)

    def forward(self, z, labels):
        return self.layer(torch.cat([z, self.embedding(labels)], 1)).view(-1, 1, 4, 4)


class OneHot(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(7 + 5, 16)

    def forward(self, z, labels):
        return self.layer(torch.cat([z, nn.functional.one_hot(labels, 5)], 1)).view(-1, 1, 4, 4)


class Vae(nn.Module):
    """The encoder's weights come first."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(64, 20), nn.Linear(10, 64)

    def forward(self, z):
        return self.decoder(z).view(-1, 1, 8, 8)


@pytest.mark.parametrize(
    ("module", "classes", "shape"),
    [
        (nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 16)), None, (9,)),
        (Dcgan(), None, (20, 1, 1)),
        (Labelled(3), 5, (7,)),
        (OneHot(), 5, (7,)),
        (Vae(), None, (10,)),
    ],
)
def test_the_latent_shape_is_found_by_trying(module, classes, shape):
    model = open_model(module, classes=classes)
    assert model.latent_shape == shape
    assert any(f"latent shape {shape} was found from the weights" in note for note in model.notes)


def test_a_latent_shape_that_cannot_be_found_is_asked_for():
    class Opaque(nn.Module):
        def forward(self, z):
            return z.view(-1, 1, 7, 7)

    with pytest.raises(ModelError, match="latent_shape="):
        open_model(Opaque())


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda z: z[:, :1].sigmoid(), (0, 1)),
        (lambda z: z[:, :1].sigmoid() * 1.0005, (0, 1)),
        (lambda z: z[:, :1].tanh(), (-1, 1)),
        (lambda z: z[:, :1] * 5, None),
        (lambda z: z[:, :1].sigmoid() * 1.2, None),
        (lambda z: (z[:, :1].sigmoid() * 255).to(torch.uint8), (0, 255)),
        (lambda z: z[:, :1] * torch.nan, (0, 1)),
    ],
)
def test_the_value_range_is_inferred(function, make, expected):
    model = open_model(function(lambda z: make(z)[:, :, None, None].expand(-1, 1, 2, 2)))
    assert model.value_range == expected
    assert any("256 decoded latents" in note for note in model.notes)


def test_eight_bit_output_is_drawn_as_it_is(function, rng):
    model = open_model(function(lambda z: torch.full((len(z), 1, 2, 2), 77, dtype=torch.uint8)))
    assert (model.draw(3, rng).images == 77).all()


def test_noise_that_torch_does_not_seed_is_said(function):
    model = open_model(function(lambda z: torch.full((len(z), 1, 2, 2), random.random())))
    assert any("no torch seed governs" in note for note in model.notes)


def test_a_quiet_network_is_not_called_noisy(conv_net):
    assert not open_model(conv_net).stochastic
