import math

import pytest
import torch

from didlearn.errors import UsageError
from didlearn.models.architectures import Dcgan
from didlearn.zoo.registry import RECIPES
from didlearn.zoo.training.recipe import Average, doublings
from tests.zoo.tiny import recipe


@pytest.mark.parametrize(
    ("side", "blocks"), [(8, 1), (10, 1), (12, 2), (18, 1), (28, 2), (32, 3), (36, 2), (64, 4), (128, 5)]
)
def test_doublings(side, blocks):
    assert doublings((1, side, side)) == blocks
    assert 3 <= side / 2**blocks <= 9
    made = Dcgan((3,), (1, side, side), None, width=1, blocks=blocks)
    assert made(torch.zeros(2, 3)).shape == (2, 1, side, side)


def test_sides_may_differ():
    assert doublings((3, 16, 8)) == 1
    assert doublings((3, 64, 32)) == 3


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 6, 6), (1, 7, 7), (1, 9, 9), (1, 22, 22), (1, 31, 32), (1, 8, 64)])
def test_sides_that_do_not_halve_are_refused(shape):
    with pytest.raises(UsageError, match=rf"images are {shape[1]}×{shape[2]}.*such as 8, 28, 32, 64: give size="):
        doublings(shape)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("dcgan", {"learning_rate": -1e-3}, "learning_rate is -0.001; give a number of at least 0"),
        ("dcgan", {"learning_rate": math.nan}, "learning_rate is nan"),
        ("dcgan", {"discriminator_width": 0}, "discriminator_width is 0; give a number of at least 1"),
        ("dcgan", {"batch": 1}, "batch is 1; give a number of at least 2"),
        ("wgan-gp", {"critic_steps": 0}, "critic_steps is 0"),
        ("mix-dcgan", {"parts": 0}, "parts is 0"),
        ("vae", {"beta": -0.5}, "beta is -0.5"),
        ("stacked-gan", {"upper_noise": 4}, "upper_noise is 4 of 4 latents"),
    ],
)
def test_settings_out_of_range_are_refused(name, settings, message):
    with pytest.raises(UsageError, match=f"{name}: .*{message}"):
        recipe(name, **settings)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_what_it_is(name):
    kind = RECIPES[name]
    assert kind.name == name
    assert kind.summary.endswith(".")
    assert any(character.isdigit() for character in kind.source)
    kind()


def test_the_average_is_the_running_mean_it_says():
    """With t weights so far it keeps min(keep, 1 - 1/(t + 2)): by hand, over five steps."""
    torch.manual_seed(0)
    network = Dcgan((2,), (1, 8, 8), None, width=2, blocks=1)
    average = Average(network, 0.7)
    wanted = [p.detach().clone() for p in network.parameters()]
    for step in range(5):
        with torch.no_grad():
            for p in network.parameters():
                p.add_(torch.randn_like(p))
            network(torch.randn(6, 2))
        average.follow(network, step)
        keep = min(0.7, 1 - 1 / (step + 2))
        wanted = [keep * w + (1 - keep) * p.detach() for w, p in zip(wanted, network.parameters(), strict=True)]
    for found, value in zip(average.network.parameters(), wanted, strict=True):
        torch.testing.assert_close(found, value)
        assert not found.requires_grad
    for kept, buffer in zip(average.network.buffers(), network.buffers(), strict=True):
        assert torch.equal(kept, buffer)
