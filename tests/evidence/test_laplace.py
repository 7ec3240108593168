"""Jacobian columns, the search, and the Gaussian fit, on decoders whose posterior is known."""

import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.derivatives.fisher import gauss_newton
from didlearn.derivatives.jacobian import jacobian
from didlearn.errors import ModelError, UsageError
from didlearn.evidence.laplace import climb, fit_laplace, likeliest_draws
from didlearn.evidence.likelihood import Likelihood, make_decoder
from didlearn.evidence.observation import BernoulliObservation, GaussianObservation
from didlearn.rng import Stream
from tests.evidence.closed_forms import make_likelihood, ppca, simulate


class Curved(nn.Module):
    """A small network with every kind of bend."""

    latent_shape, value_range, prior, classes = (4,), (0.0, 1.0), "normal", None
    image_shape = (1, 3, 3)

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 16), nn.Linear(16, 9)

    def forward(self, z):
        return torch.sigmoid(self.two(torch.relu(self.one(z))))


def curved():
    torch.manual_seed(0)
    return Curved()


def test_columns_are_those_of_autograd():
    module, z = curved(), torch.randn((5, 4), generator=torch.Generator().manual_seed(1))
    J = jacobian(module, z)[1]
    for one, found in zip(z, J, strict=True):
        wanted = torch.autograd.functional.jacobian(lambda v: module(v[None])[0], one)
        torch.testing.assert_close(found, wanted)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_columns_of_a_scripted_module():
    module, z = curved(), torch.randn((3, 4))
    scripted = torch.jit.script(module)
    for _ in range(3):  # the profiling executor changes its mind after two runs
        torch.testing.assert_close(jacobian(scripted, z)[1], jacobian(module, z)[1])


def test_columns_in_pieces_are_the_same(monkeypatch):
    module, z = curved(), torch.randn((3, 4))
    whole = gauss_newton(module, GaussianObservation(0.1).information, z)
    monkeypatch.setattr("didlearn.derivatives.fisher.LARGEST", 30)
    torch.testing.assert_close(gauss_newton(module, GaussianObservation(0.1).information, z), whole)


def test_a_decoder_without_second_derivatives_is_named():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z.clone()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return g.clone()

    with pytest.raises(ModelError, match="differentiable twice"):
        jacobian(Once.apply, torch.randn(2, 3))


@pytest.mark.parametrize(("d", "sigma"), [(5, 0.5), (20, 0.05)])
def test_the_fit_is_the_posterior_of_ppca(d, sigma):
    model = ppca(d, (1, 10, 10))
    x = simulate(model, 3, sigma)
    fit = fit_laplace(make_likelihood(model, x, sigma), Stream(0).torch(), 60)
    mean, covariance = model.posterior(x, sigma)
    away = fit.mean - mean
    square = torch.einsum("ni,nij,nj->n", away, fit.precision, away)
    assert square.max() < 1e-2
    torch.testing.assert_close(fit.precision @ covariance, torch.eye(d).double().expand(3, d, d), rtol=0, atol=1e-3)
    assert fit.evaluations <= 60
    assert fit.columns == 2 * d


def test_curvature_is_never_below_the_prior():
    model = dl.open_model(curved())
    decoder, seen = make_decoder(model, BernoulliObservation(), "cpu")
    x = torch.rand((4, 9), generator=torch.Generator().manual_seed(0)).round().double()
    fit = fit_laplace(Likelihood(decoder, seen, x), Stream(0).torch(), 40)
    assert (torch.linalg.eigvalsh(fit.precision) >= 1 - 1e-9).all()
    assert (torch.linalg.eigvalsh(fit.precision).amax(dim=1) > 1.01).all()


def test_bernoulli_information_is_the_same_for_means_and_logits():
    module, z = curved(), torch.randn((3, 4))

    def logits(v):
        return module(v).logit()

    torch.testing.assert_close(
        gauss_newton(module, BernoulliObservation().information, z),
        gauss_newton(logits, BernoulliObservation(True).information, z),
        rtol=1e-3,
        atol=1e-4,
    )


def test_the_search_climbs_and_finds_a_stationary_point():
    model = dl.open_model(curved())
    decoder, _ = make_decoder(model, GaussianObservation(0.05), "cpu")
    x = decoder(torch.randn((4, 4), generator=torch.Generator().manual_seed(0))).double()
    likelihood = Likelihood(decoder, GaussianObservation(0.05), x)
    start = likeliest_draws(likelihood, Stream(1).torch())
    end = climb(likelihood, start, 150)
    before = likelihood.value(start) - start.square().sum(-1) / 2
    assert (end.value >= before).all()
    assert (end.value.amax(dim=1) > before.amax(dim=1) + 0.5).all()
    assert end.evaluations <= 150
    _, gradient = likelihood(end.best[:, None])
    slope = gradient[:, 0] - end.best
    precision = likelihood.curvature(end.best) + torch.eye(4, dtype=torch.float64)
    # What a Newton step would still gain, ½ gᵀP⁻¹g nats: next to nothing.
    assert ((slope * torch.linalg.solve(precision, slope)).sum(dim=1) / 2 < 1e-3).all()


def test_a_model_that_is_nan_everywhere_is_named():
    class Nan(Curved):
        def forward(self, z):
            return super().forward(z) * float("nan")

    decoder, _ = make_decoder(dl.open_model(curved()), GaussianObservation(0.1), "cpu")
    decoder.model.network.module = Nan()  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="NaN or infinite pixels of all 64"):
        likeliest_draws(Likelihood(decoder, GaussianObservation(0.1), torch.rand(2, 9)), Stream(0).torch())


def test_what_has_no_density_is_refused():
    model = dl.open_model(curved(), prior=torch.distributions.Gamma(torch.ones(4), torch.ones(4)))  # no quantiles
    with pytest.raises(UsageError, match="a map of normal ones"):
        make_decoder(model, GaussianObservation(0.1), "cpu")
    wide = dl.open_model(curved(), value_range=(0.4, 0.6))
    with pytest.raises(UsageError, match=r"means in \[0, 1\]"):
        make_decoder(wide, BernoulliObservation(), "cpu")
