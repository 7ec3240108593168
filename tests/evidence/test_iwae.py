"""The encoder's bound where posterior and evidence are known."""

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.errors import UsageError
from didlearn.evidence.iwae import has_encoder, iwae
from didlearn.models import open_model
from didlearn.models.oracles import PPCA
from tests.evidence.closed_forms import simulate

SIGMA, D, LATENT = 0.3, 16, 3


class Pair(nn.Module):
    """A linear decoder with its exact posterior as encoder, shifted by ``off`` posterior standard deviations."""

    latent_shape, value_range, prior = (LATENT,), None, "normal"

    def __init__(self, off=0.0):
        super().__init__()
        g = torch.Generator().manual_seed(0)
        # Orthonormal columns: the posterior's coordinates are independent, as an encoder's are.
        self.W = torch.linalg.qr(torch.randn(D, LATENT, generator=g, dtype=torch.float64))[0]
        self.off = off

    def forward(self, z):
        return (z @ self.W.to(z).T).view(-1, 1, 4, 4)

    def encode(self, x):
        variance = SIGMA**2 / (1 + SIGMA**2)
        mean = x.flatten(1) @ self.W.to(x) / (1 + SIGMA**2) + self.off * variance**0.5
        return mean, torch.full_like(mean, variance).log()


def exact(x):
    model = PPCA(Pair().W, torch.zeros(D, dtype=torch.float64), (1, 4, 4))
    return model, model.log_evidence(x, SIGMA).numpy()


@pytest.fixture(scope="module")
def images():
    model = PPCA(Pair().W, torch.zeros(D, dtype=torch.float64), (1, 4, 4))
    return simulate(model, 20, SIGMA).float()


def test_the_exact_posterior_gives_the_evidence(images):
    found = iwae(open_model(Pair()), images.numpy(), SIGMA)
    assert np.allclose(found, exact(images)[1], atol=1e-4)


def test_a_poor_encoder_gives_a_lower_bound_that_more_draws_raise(images):
    model = open_model(Pair(off=2.5))
    truth = exact(images)[1].mean()
    few, many = (iwae(model, images.numpy(), SIGMA, samples=k).mean() for k in (3, 3000))
    assert few < truth - 1
    assert few < many < truth + 0.1


def test_an_encoder_of_other_latents_than_normal_is_none():
    assert not has_encoder(open_model(Pair(), prior="uniform"))


def test_models_without_an_encoder_are_told_apart(images):
    model = exact(images)[0]
    assert has_encoder(open_model(Pair()))
    assert not has_encoder(model)
    with pytest.raises(UsageError, match="has no encoder"):
        iwae(model, images.numpy(), SIGMA)
