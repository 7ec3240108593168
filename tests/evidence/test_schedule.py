"""Schedules: their ends, their formulas, and that equal length is what it says."""

import math

import pytest
import torch

from didlearn.evidence.laplace import LaplaceFit
from didlearn.evidence.path import make_frame
from didlearn.evidence.schedule import equal_length, gaussian_speed, grid, interpolate, linear, sigmoid
from tests.evidence.closed_forms import ppca, simulate


def frame_of(model, x, sigma, start=None):
    d = model.latent_shape[0]
    mean, _ = model.posterior(x, sigma)
    eye = torch.eye(d, dtype=torch.float64).expand(len(x), d, d)
    fit = LaplaceFit(mean, eye + model.W.T @ model.W / sigma**2, mean[:, None], torch.ones(len(x), 1).double(), 0, 0)
    return make_frame(torch.zeros_like(mean), eye if start is None else start, fit)


def test_sigmoid_is_that_of_wu_and_others():
    beta = sigmoid(10, 4)
    gamma = [1 / (1 + math.exp(-4 * (2 * t / 10 - 1))) for t in range(11)]
    wanted = [(g - gamma[0]) / (gamma[-1] - gamma[0]) for g in gamma]
    torch.testing.assert_close(beta, torch.tensor(wanted, dtype=torch.float64))


@pytest.mark.parametrize("beta", [linear(7), sigmoid(7), sigmoid(7, 10.0)])
def test_every_schedule_ascends_from_0_to_1(beta):
    assert beta[0] == 0
    assert beta[-1] == 1
    assert (beta.diff() > 0).all()


def test_speed_from_the_prior_is_the_closed_form_of_ppca():
    """papers.md 3.4 in the coordinates of PPCA, checked on exact draws from f_β."""
    sigma = 0.4
    model = ppca(3, (1, 2, 4))
    x = simulate(model, 1, sigma)
    frame = frame_of(model, x, sigma)
    W, r = model.W, (x.flatten(1) - model.b)[0]
    generator = torch.Generator().manual_seed(0)
    for beta in (0.0, 0.03, 0.5, 1.0):
        S = torch.linalg.inv(torch.eye(3).double() + beta * W.T @ W / sigma**2)
        z = (
            beta / sigma**2 * S @ W.T @ r
            + torch.randn((40_000, 3), generator=generator).double() @ torch.linalg.cholesky(S).T
        )
        work = -(r - z @ W.T).square().sum(1) / (2 * sigma**2)
        speed = float(gaussian_speed(frame, torch.tensor([beta]).double()))
        error = float(((work - work.mean()) ** 4).mean().sub(work.var() ** 2).sqrt()) / 200 / (2 * speed)
        assert abs(float(work.std()) - speed) < 5 * error


def test_equal_length_spreads_the_length_evenly():
    model = ppca(3, (1, 2, 4))
    x = simulate(model, 4, 0.1)
    frame = frame_of(model, x, 0.1)
    speed = gaussian_speed(frame, grid())
    beta = equal_length(grid(), speed, 20)
    assert beta.shape == (21, 4)
    assert (beta[0] == 0).all()
    assert (beta[-1] == 1).all()
    assert (beta.diff(dim=0) > 0).all()
    fine = grid()
    length = torch.cat([torch.zeros(4, 1).double(), ((speed[:, 1:] + speed[:, :-1]) / 2 * fine.diff()).cumsum(1)], 1)
    pieces = interpolate(beta, fine[:, None].expand(-1, 4), length.T).diff(dim=0)
    assert (pieces / pieces.mean(0) < 1.1).all()
    assert (beta[1] < 0.01).all()


def test_a_start_as_wide_as_the_posterior_gives_a_linear_schedule():
    model = ppca(3, (1, 2, 4))
    x = simulate(model, 1, 0.1)
    P = torch.eye(3).double() + model.W.T @ model.W / 0.01
    frame = frame_of(model, x, 0.1, start=P[None])
    torch.testing.assert_close(frame.precision, torch.ones_like(frame.precision))
    speed = gaussian_speed(frame._replace(offset=torch.zeros_like(frame.offset)), grid()) + 1
    torch.testing.assert_close(equal_length(grid(), speed, 9)[:, 0], linear(9), atol=1e-3, rtol=0)


def test_interpolation_goes_through_its_knots():
    knots = torch.tensor([[0.0, 0.0], [0.2, 0.5], [1.0, 1.0]]).double()
    values = torch.tensor([[1.0, 3.0], [2.0, 5.0], [0.0, 9.0]]).double()
    torch.testing.assert_close(interpolate(knots, knots, values), values)
    middle = interpolate(torch.tensor([[0.1, 0.75]]).double(), knots, values)
    torch.testing.assert_close(middle, torch.tensor([[1.5, 7.0]]).double())
