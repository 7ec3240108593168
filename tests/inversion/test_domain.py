"""Where latents may lie."""

import math

import pytest
import torch

from didlearn.errors import UsageError
from didlearn.inversion.domain import domain_of
from tests.inversion.decoders import decoder, linear


def flat(z):
    return z.tile(1, 4).view(len(z), 1, 2, -1)


def test_the_ball_holds_the_asked_share_of_the_prior():
    domain = domain_of(linear(d=9), 0.7)
    z = torch.randn(20_000, 9, generator=torch.Generator().manual_seed(0))
    share = (z.norm(dim=1) <= domain.radius).double().mean()
    assert share == pytest.approx(0.7, abs=4 * math.sqrt(0.21 / 20_000))


def test_a_ball_needs_a_normal_prior():
    with pytest.raises(UsageError, match="with a prior uniform"):
        domain_of(decoder(flat, 2, prior="uniform"), 0.9)
