"""Where latents may lie."""

import math

import pytest
import torch
from torch.distributions import Laplace

from didlearn.errors import UsageError
from didlearn.inversion.domain import Domain, domain_of, prior_name
from tests.inversion.decoders import decoder, linear


def flat(z):
    return z.tile(1, 4).view(len(z), 1, 2, -1)


def test_projection_is_the_nearest_point():
    z = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    assert torch.allclose(Domain(radius=1.0).project(z), torch.tensor([[0.6, 0.8], [0.3, 0.4]]))
    assert torch.allclose(Domain(bound=1.0).project(z), torch.tensor([[1.0, 1.0], [0.3, 0.4]]))
    assert torch.equal(Domain().project(z), z)


def test_only_what_points_out_of_the_domain_is_removed():
    z = torch.tensor([[1.0, 0.0]])
    out, inside = torch.tensor([[-2.0, 5.0]]), torch.tensor([[2.0, 5.0]])  # descent goes against the gradient
    for domain in (Domain(radius=1.0), Domain(bound=1.0)):
        assert torch.allclose(domain.free(z, out), torch.tensor([[0.0, 5.0]]))
        assert torch.allclose(domain.free(z, inside), inside)


def test_priors_are_recognised():
    assert prior_name(linear(d=3)) == "normal"
    assert prior_name(decoder(flat, 2, prior="uniform")) == "uniform"
    laplace = Laplace(torch.zeros(2), torch.ones(2))
    assert prior_name(decoder(flat, 2, prior=laplace)) == "other"


def test_the_ball_holds_the_asked_share_of_the_prior():
    domain = domain_of(linear(d=9), 0.7)
    z = torch.randn(20_000, 9, generator=torch.Generator().manual_seed(0))
    share = (z.norm(dim=1) <= domain.radius).double().mean()
    assert share == pytest.approx(0.7, abs=4 * math.sqrt(0.21 / 20_000))


def test_a_ball_needs_a_normal_prior():
    with pytest.raises(UsageError, match="with a uniform prior"):
        domain_of(decoder(flat, 2, prior="uniform"), 0.9)
