"""A module's own encoder starts its inversions."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.errors import UsageError
from didlearn.inversion.invert import invert
from didlearn.models.latents.encoder import by_encoder
from didlearn.rng import Stream


class Needle(nn.Module):
    """Images are flat but for a bump where z is near 4, 5, -4: no draw of the prior is near enough to see it."""

    latent_shape, value_range, prior = (3,), (-1, 1), "normal"
    target = torch.tensor([4.0, 5.0, -4.0])

    def __init__(self, answer="both"):
        super().__init__()
        self.answer = answer

    def forward(self, z):
        near = torch.exp(-((z - self.target) / 0.3).square())
        return torch.cat([near, torch.zeros(len(z), 13)], dim=1).view(-1, 1, 4, 4) + 1e-4 * z.mean(dim=1).view(
            -1, 1, 1, 1
        )

    def encode(self, x):
        mean = self.target + 0.2 * x.flatten(1)[:, :1].clamp(-1, 1)
        return {"both": (mean, torch.zeros_like(mean)), "latent": mean, "wrong": mean[:, :2]}[self.answer]


def opened(answer="both", encoder=True):
    network: Any = Needle(answer)
    if not encoder:
        network.encode = None
    return dl.open_model(network)


@pytest.mark.parametrize("answer", ["both", "latent"])
@pytest.mark.parametrize("starts", [1, 4])
def test_what_only_the_encoder_knows_is_found(answer, starts):
    x = opened().decode(Needle.target + 0.05 * torch.randn(3, 3, generator=torch.Generator().manual_seed(0))).numpy()
    effort = {"draws": 30, "starts": starts, "rounds": 0, "within": False}
    assert (invert(opened(answer), x, **effort).error < 1e-8).all()
    assert (invert(opened(encoder=False), x, **effort).error > 1e-3).all()


def test_it_is_given_images_in_the_networks_own_range():
    model = opened("latent")
    mean, log_variance = by_encoder(model, torch.full((1, 1, 4, 4), 0.75))
    assert torch.allclose(mean, Needle.target + 0.2 * 0.5)
    assert log_variance is None


def test_an_encoder_of_something_else_is_named():
    with pytest.raises(UsageError, match=r"encode\(x\) gave shapes \(1, 2\)"):
        invert(opened("wrong"), np.full((1, 1, 4, 4), 0.5, np.float32), draws=9)


def test_a_model_without_one_has_no_guess():
    model = opened(encoder=False)
    assert by_encoder(model, model.decode(model.sample_prior(1, Stream(0)))) is None
