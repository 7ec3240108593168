"""How each function of a network moves the bound, by hand.

Mistakes seen: a sum counted as a maximum, a product with what itself depends on the latent, slopes below the function's
own, copies that count once.
"""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as f

from didlearn.checks.concentration.tracked import Tracked, track

Z = torch.linspace(-1, 1, 8).view(1, 8)
SQUARE = torch.diag(torch.tensor([3.0, 1, 1, 1, 1, 1, 1, 1]))


def image():
    return track(Z).view(1, 2, 2, 2)


@pytest.mark.parametrize(
    ("function", "bound"),
    [
        (lambda z: z.view(2, 4).flatten(), 1),
        (lambda z: torch.relu(z).tanh(), 1),
        (torch.sigmoid, 0.25),
        (lambda z: f.linear(z, 2 * SQUARE, torch.ones(8)), 6),
        (lambda z: z @ SQUARE, 3),
        (lambda z: torch.mm(z, SQUARE).matmul(SQUARE), 9),
        (lambda z: z * -3, 3),
        (lambda z: 0.5 * z, 0.5),
        (lambda z: z * torch.tensor([1.0, -4, 1, 1, 1, 1, 1, 1]), 4),
        (lambda z: z / 4, 0.25),
        (lambda z: z / torch.tensor([2.0, 0.5, 1, 1, 1, 1, 1, 1]), 2),
        (lambda z: z + 5, 1),
        (lambda z: z + 2 * z, 3),
        (lambda z: 2 * z - 3 * z, 5),
        (lambda z: 1 - z, 1),
        (lambda z: torch.cat([3 * z, 4 * z]), 5),
        (lambda z: torch.stack([z, z, z, z]), 2),
        (lambda z: z[:, :1] * torch.ones(1, 9), 3),
        (lambda z: z[:, :1] + torch.zeros(4, 4), 4),
        (lambda z: z[:, 2:5][..., None], 1),
        (lambda z: f.leaky_relu(z, 0.2), 1),
        (lambda z: f.leaky_relu(z, negative_slope=-1.5), 1.5),
        (lambda z: f.elu(z, 2.0), 2),
        (lambda z: f.elu(z, 0.5), 1),
        (lambda z: f.prelu(z, torch.tensor([-3.0])), 3),
        (lambda z: f.prelu(z, torch.tensor([0.25])), 1),
        (lambda z: (3 * z).detach(), 3),
    ],
)
def test_bounds_of_functions(function, bound):
    found = function(track(Z))
    assert isinstance(found, Tracked)
    assert found.bound == pytest.approx(bound)
    assert not found.trail.unknown


@pytest.mark.parametrize(
    ("function", "bound"),
    [
        (lambda x: f.interpolate(x, scale_factor=2), 2),
        (lambda x: f.interpolate(x, scale_factor=(1, 4), mode="nearest-exact"), 2),
        (lambda x: f.interpolate(x, size=(6, 4)), np.sqrt(6)),
        (lambda x: f.interpolate(x, size=4), 2),
        (lambda x: f.batch_norm(x, torch.zeros(2), torch.tensor([1.0, 0.25]), eps=0.0), 2),
        (lambda x: f.batch_norm(x, torch.zeros(2), torch.tensor([3.0, 8]), torch.tensor([-6.0, 3]), eps=1.0), 3),
        (lambda x: f.conv2d(x, torch.full((1, 2, 1, 1), 2.0)), np.sqrt(8)),
        (lambda x: f.conv2d(x, torch.ones(2, 1, 1, 1) * torch.tensor([3.0, 1]).view(2, 1, 1, 1), groups=2), 3),
        (lambda x: f.conv2d(x, torch.ones(1, 2, 2, 2), stride=2), np.sqrt(8)),
        (lambda x: f.conv_transpose2d(x, torch.ones(2, 1, 2, 2), stride=2), np.sqrt(8)),
        (lambda x: f.conv_transpose2d(x, torch.ones(2, 1, 2, 2), stride=(2,)), np.sqrt(8)),
    ],
)
def test_bounds_of_functions_of_images(function, bound):
    found = function(image())
    assert found.bound == pytest.approx(bound)
    assert not found.trail.unknown


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda z: z * z, "mul"),
        (lambda z: 1 / z, "__rdiv__"),
        (lambda z: z @ z.T, "matmul"),
        (lambda z: torch.matmul(SQUARE, z.T), "matmul"),
        (lambda z: torch.add(z, z, alpha=2), "add"),
        (lambda z: z.cumsum(1), "cumsum"),
        (lambda z: z[:, [0, 0]], "__getitem__"),
        (lambda z: f.linear(z, z), "linear"),
        (lambda z: f.interpolate(z.view(1, 2, 2, 2), scale_factor=2, mode="bilinear"), "interpolate"),
        (lambda z: f.interpolate(z.view(1, 2, 2, 2), scale_factor=1.5), "interpolate"),
        (lambda z: f.batch_norm(z.view(4, 2), None, None, training=True), "batch_norm"),
        (lambda z: f.conv2d(z.view(1, 2, 2, 2), torch.ones(1, 2, 1, 1), padding="same"), "conv2d"),
    ],
)
def test_what_no_rule_knows_has_no_bound_and_is_named(function, name):
    found = function(track(Z))
    assert found.bound == np.inf
    assert name in found.trail.unknown


SLOPED = {
    "sigmoid": torch.sigmoid,
    "hardsigmoid": f.hardsigmoid,
    "silu": f.silu,
    "mish": f.mish,
    "gelu": f.gelu,
    "hardswish": f.hardswish,
    "selu": f.selu,
}


@pytest.mark.parametrize("name", SLOPED)
def test_slopes_are_the_greatest_of_their_functions(name):
    """Steps of 10⁻⁴ tell the slope to the second derivative's 10⁻⁴, and the table has four digits, rounded up."""
    x = torch.arange(-8, 8, 1e-4, dtype=torch.float64)
    steepest = float((SLOPED[name](x).diff() / 1e-4).abs().max())
    assert steepest - 1e-9 <= SLOPED[name](track(Z)).bound <= steepest + 3e-4


def test_layers_are_noted_with_their_factors():
    found: Any = f.relu(f.linear(track(Z), SQUARE)) * 1.0
    assert [(factor, exact) for _, factor, exact in found.trail.layers] == [(pytest.approx(3), True)]
    assert found.trail.layers[0][0] == "linear → 8"


def test_numbers_without_a_latent_stay_plain():
    assert type(torch.ones(2) * 2) is torch.Tensor
    assert (track(Z) > 0).dtype == torch.bool
