"""Bounds of generators: above every slope, and equal where layers align.

Mistakes seen: a broadcast that copies, a residual counted once, labels taken for latents, ascent that goes downhill.
"""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from didlearn.checks.concentration.lipschitz import lipschitz_lower, lipschitz_upper
from didlearn.models import open_model
from didlearn.rng import Stream


def module_of(forward, classes=None, **layers):
    class Given(nn.Module):
        latent_shape, value_range = (8,), (0, 1)

        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            for name, layer in layers.items():
                setattr(self, name, layer())

    Given.forward = forward
    return open_model(Given().eval(), classes=classes)


def residual(self, z):
    h = self.a(z)
    return (h + torch.tanh(self.b(h))).view(-1, 1, 4, 4)


def broadcast(self, z):
    h = self.a(z)[:, :, None, None]
    return (h * torch.full((1, 4, 4), 0.1) + h.mul(2) / 4)[:, :1]


def joined(self, z):
    return torch.cat([functional.leaky_relu(self.a(z), 0.2), self.a(z)], dim=1).view(-1, 1, 8, 4)


def convolved(self, z):
    h = functional.interpolate(self.a(z).view(-1, 4, 2, 2), scale_factor=2)
    return torch.sigmoid(self.c(functional.relu(self.n(self.d(h)))))


def trained_norm():
    layer = nn.BatchNorm2d(6)
    layer.running_var.uniform_(0.5, 2)
    layer.weight.data.uniform_(-2, 2)
    return layer


MODELS = {
    "residual": (residual, {"a": lambda: nn.Linear(8, 16), "b": lambda: nn.Linear(16, 16)}),
    "broadcast": (broadcast, {"a": lambda: nn.Linear(8, 2)}),
    "joined": (joined, {"a": lambda: nn.Linear(8, 16)}),
    "convolved": (
        convolved,
        {
            "a": lambda: nn.Linear(8, 16),
            "d": lambda: nn.ConvTranspose2d(4, 6, 4, 2, 1),
            "n": trained_norm,
            "c": lambda: nn.Conv2d(6, 1, 3, padding=1),
        },
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_upper_bound_lies_above_the_lower(name):
    forward, layers = MODELS[name]
    model = module_of(forward, **layers)
    upper = lipschitz_upper(model)
    lower = lipschitz_lower(model, 32, 4, 10, Stream(0))
    assert upper.value is not None, upper.why
    assert lower.value <= upper.value * (1 + 1e-5)
    assert upper.value <= 60 * lower.value


def test_a_copied_feature_counts_as_often_as_it_is_copied():
    forward, layers = MODELS["broadcast"]
    model = module_of(forward, **layers)
    norm = float(torch.linalg.matrix_norm(model.module.a.weight, ord=2))
    assert lipschitz_upper(model).value == pytest.approx(norm * (0.1 * 4 + 0.5 * 4), rel=1e-5)


def test_labels_are_no_latents():
    def forward(self, z, labels):
        return (self.a(z) + self.e(labels)).view(-1, 1, 4, 4)

    model = module_of(forward, classes=3, a=lambda: nn.Linear(8, 16), e=lambda: nn.Embedding(3, 16))
    norm = float(torch.linalg.matrix_norm(model.module.a.weight, ord=2))
    assert lipschitz_upper(model).value == pytest.approx(norm, rel=1e-5)
    assert lipschitz_lower(model, 16, 2, 2, Stream(0)).value == pytest.approx(norm, rel=2e-2)


def test_a_scale_that_depends_on_the_latent_has_no_bound():
    def forward(self, z):
        h = self.a(z)
        return (h * h).view(-1, 1, 4, 4)

    upper = lipschitz_upper(module_of(forward, a=lambda: nn.Linear(8, 16)))
    assert upper.value is None
    assert "mul" in upper.why


def test_the_jacobian_s_norm_is_that_of_its_svd():
    forward, layers = MODELS["convolved"]
    model = module_of(forward, **layers)
    lower = lipschitz_lower(model, 6, 1, 0, Stream(0))
    z = model.sample_prior(6, Stream(0).child("latents"))
    exact = [
        float(torch.linalg.matrix_norm(torch.autograd.functional.jacobian(_flat(model), row[None]).squeeze(), ord=2))
        for row in z
    ]
    assert (lower.prior <= np.array(exact) * (1 + 1e-4)).all()
    assert (lower.prior >= np.array(exact) * 0.9).all()


def _flat(model):
    return lambda z: model.decode(z).flatten()


def test_ascent_finds_what_draws_do_not():
    """x = sin: steepest where the latent is 0 in the first coordinate, which few draws are near."""

    def forward(self, z):
        return (0.5 + torch.tanh(self.a(z))).view(-1, 1, 4, 4)

    model = module_of(forward, a=lambda: nn.Linear(8, 16))
    model.module.a.weight.data *= 3
    lower = lipschitz_lower(model, 8, 4, 60, Stream(0))
    assert lower.ascent[-1] > 1.1 * lower.prior.max()
    assert (np.diff(lower.ascent) >= 0).all()
    assert lower.value <= lipschitz_upper(model).value


def test_a_generator_that_ignores_its_latent_has_slope_zero():
    model = module_of(lambda self, z: torch.full((len(z), 1, 4, 4), 0.5))
    assert lipschitz_lower(model, 8, 2, 3, Stream(0)).value == 0
