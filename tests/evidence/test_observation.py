"""Observation models against torch's own densities, autograd and their own draws."""

import math

import pytest
import torch

from didlearn.errors import UsageError
from didlearn.evidence.observation import (
    BernoulliObservation,
    GaussianObservation,
    LaplaceObservation,
    make_observation,
)

D = 7


def y_and_x(observation, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.rand((3, D), generator=generator, dtype=torch.float64) * 0.9 + 0.05
    if observation.takes_logits:
        y = y.logit()
    return y, observation.sample(y, generator)


ALL = [
    GaussianObservation(0.3),
    LaplaceObservation(0.3),
    BernoulliObservation(),
    BernoulliObservation(takes_logits=True),
]


def reference(observation, y):
    if isinstance(observation, GaussianObservation):
        return torch.distributions.Normal(y, observation.sigma)
    if isinstance(observation, LaplaceObservation):
        return torch.distributions.Laplace(y, observation.sigma / math.sqrt(2))
    return torch.distributions.Bernoulli(**{"logits" if observation.takes_logits else "probs": y})


@pytest.mark.parametrize("observation", ALL, ids=repr)
class TestEach:
    def test_density_is_that_of_torch(self, observation):
        y, x = y_and_x(observation)
        value = observation.log_prob(y, x)
        torch.testing.assert_close(value, reference(observation, y).log_prob(x).sum(-1))

    def test_score_is_the_derivative(self, observation):
        y, x = y_and_x(observation)
        y.requires_grad_()
        (wanted,) = torch.autograd.grad(reference(observation, y).log_prob(x).sum(), y)
        torch.testing.assert_close(observation.score(y.detach(), x), wanted)

    def test_information_is_the_mean_square_of_the_score(self, observation):
        y, _ = y_and_x(observation)
        many = y[:1].expand(40_000, D)
        x = observation.sample(many, torch.Generator().manual_seed(5))
        square = observation.score(many, x).square()
        error = square.std(0) / math.sqrt(len(many)) + 1e-9
        assert ((square.mean(0) - observation.information(y[:1])[0]).abs() < 5 * error).all()

    def test_draws_have_the_mean_and_spread_they_say(self, observation):
        y, _ = y_and_x(observation)
        x = observation.sample(y[:1].expand(40_000, D), torch.Generator().manual_seed(2))
        law = reference(observation, y[0])
        assert ((x.mean(0) - law.mean).abs() < 5 * law.stddev / 200).all()
        # The error of a sample's standard deviation, by its fourth moment: √((m₄ − s⁴)/n) / 2s.
        error = ((x - law.mean) ** 4).mean(0).sub(law.stddev**4).clamp(min=0).sqrt() / 200 / (2 * law.stddev)
        assert ((x.std(0) - law.stddev).abs() < 5 * error + 1e-4).all()

    def test_float32_sums_stay_exact_to_a_thousandth(self, observation):
        generator = torch.Generator().manual_seed(3)
        y = torch.rand((2, 3072), generator=generator, dtype=torch.float64) * 0.9 + 0.05
        x = observation.sample(y, generator)
        value = observation.log_prob(y.float(), x.float())
        assert value.dtype == torch.float64
        torch.testing.assert_close(value, observation.log_prob(y, x), rtol=0, atol=2e-3)


def test_bernoulli_logits_and_means_agree():
    y, x = y_and_x(BernoulliObservation())
    torch.testing.assert_close(BernoulliObservation().log_prob(y, x), BernoulliObservation(True).log_prob(y.logit(), x))


def test_certain_pixels_stay_finite():
    x = torch.tensor([[0.0, 1.0]])
    for observation, y in (
        (BernoulliObservation(), torch.tensor([[1.0, 0.0]])),
        (BernoulliObservation(True), torch.tensor([[90.0, -90.0]])),
    ):
        assert torch.isfinite(observation.log_prob(y, x)).all()
        assert torch.isfinite(observation.score(y, x)).all()


def test_unknown_models_and_sigmas_are_refused():
    with pytest.raises(UsageError, match="give one of gaussian, laplace, bernoulli"):
        make_observation("poisson", 0.1)
    for sigma in (0.0, -1.0, math.nan, math.inf, "wide"):
        with pytest.raises(UsageError, match="positive number"):
            make_observation("gaussian", sigma)
    assert make_observation("bernoulli", 0.0) == BernoulliObservation()
