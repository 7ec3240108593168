"""What a model knows of itself."""

import math

import pytest
import torch
from torch import nn

from didlearn.errors import ModelError
from didlearn.models import open_model
from didlearn.models.known.density import has_density, is_estimated, own_log_density
from didlearn.models.known.inverse import fills_space, has_inverse, latents_of
from didlearn.models.known.linear import LinearFlow
from didlearn.models.oracles import PPCA
from tests.models.diffusion.gaussians import oracle

SHAPE = (1, 2, 3)


class Affine(nn.Module):
    """images = scale z + shift, in units of its own range."""

    latent_shape, value_range, prior, image_shape = (6,), (-1, 3), "normal", SHAPE

    def __init__(self, scale=0.2, shift=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.shift = shift

    def forward(self, z):
        return (self.scale * z + self.shift).view(-1, *SHAPE)

    def encode(self, x):
        return (x.flatten(1) - self.shift) / self.scale

    def log_density(self, x):
        normal = torch.distributions.Normal(self.shift, self.scale)
        return normal.log_prob(x).flatten(1).sum(dim=1)


class Classes(Affine):
    classes = 2

    def forward(self, z, labels):  # type: ignore[override]
        return super().forward(z) + labels.view(-1, 1, 1, 1)

    def log_density(self, x, labels):  # type: ignore[override]
        return super().log_density(x - labels.view(-1, 1, 1, 1))


class Vae(Affine):
    def encode(self, x):
        return x.flatten(1), x.flatten(1)


def drawn(count, seed=0):
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def test_a_density_is_per_unit_of_a_pixels_range():
    model = open_model(Affine())
    assert has_density(model)
    assert not is_estimated(model)
    x = drawn(5)
    # In [0, 1] the images are 0.05 z + 0.5.
    exact = torch.distributions.Normal(0.5, 0.05).log_prob(x.double()).flatten(1).sum(dim=1)
    torch.testing.assert_close(own_log_density(model, x), exact, rtol=1e-5, atol=1e-4)


def test_it_integrates_to_one():
    model = open_model(Affine(scale=1.0))
    x = drawn(200_000) * 3 - 1  # six standard deviations on either side
    mean = own_log_density(model, x).exp().mean() * 3**6
    assert mean.item() == pytest.approx(1, abs=0.1)


def test_classes_are_averaged():
    model, x = open_model(Classes()), drawn(4)
    each = [torch.distributions.Normal(0.5 + y / 4, 0.05).log_prob(x.double()).flatten(1).sum(dim=1) for y in (0, 1)]
    exact = torch.stack(each).logsumexp(dim=0) - math.log(2)
    torch.testing.assert_close(own_log_density(model, x), exact, rtol=1e-5, atol=1e-4)
    assert not has_inverse(model)


def test_an_inverse_is_in_the_units_of_images():
    model, x = open_model(Affine()), drawn(4)
    assert has_inverse(model)
    assert fills_space(model)
    torch.testing.assert_close(model.decode(latents_of(model, x)), x)


def test_an_autoencoders_encoder_is_no_inverse():
    model = open_model(Vae())
    assert not has_inverse(model)
    with pytest.raises(ModelError, match="encode gave tuple"):
        latents_of(model, drawn(2))


def test_a_search_is_for_models_that_say_nothing_of_themselves():
    W = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
    assert not fills_space(PPCA(W, torch.zeros(6), SHAPE))
    assert fills_space(LinearFlow(W, torch.zeros(6), SHAPE))


def test_a_linear_flow_knows_itself():
    g = torch.Generator().manual_seed(0)
    flow = LinearFlow(torch.randn(6, 6, generator=g).double(), torch.rand(6, generator=g).double(), SHAPE)
    x = drawn(5).double()
    torch.testing.assert_close(flow.decode(latents_of(flow, x)), x)
    exact = torch.distributions.MultivariateNormal(flow.b, flow.W @ flow.W.T).log_prob(x.flatten(1))
    torch.testing.assert_close(own_log_density(flow, x), exact)
    # Under little noise the density is its own.
    torch.testing.assert_close(flow.log_evidence(x, 1e-6), exact, rtol=0, atol=1e-4)


def test_a_samplers_density_is_an_estimate():
    model = open_model(oracle(5))
    assert is_estimated(model)
    assert fills_space(model)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda self, x: x, "gave .* for 2 images"),
        (lambda self, x: torch.full((len(x),), torch.inf), "no finite number for 2 of 2"),
        (lambda self, x: x @ x, "log_density failed on 2 images"),
        (lambda self, x: 3.0, "gave float"),
    ],
)
def test_a_density_that_is_none_is_said(given, said):
    model = open_model(type("Broken", (Affine,), {"log_density": given})())
    with pytest.raises(ModelError, match=said):
        own_log_density(model, drawn(2))
