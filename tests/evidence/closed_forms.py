"""PPCA problems and their closed forms, shared by the tests of annealing."""

import math

import torch

from didlearn.evidence import ais
from didlearn.evidence.laplace import LaplaceFit
from didlearn.evidence.likelihood import Likelihood, make_decoder
from didlearn.evidence.observation import GaussianObservation
from didlearn.evidence.path import Path, make_frame
from didlearn.evidence.schedule import equal_length, gaussian_speed, grid, sigmoid
from didlearn.models.oracles import PPCA
from didlearn.rng import Stream


def ppca(d, shape, seed=0, spread=1.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    D = math.prod(shape)
    W = spread * torch.randn((D, d), generator=generator, dtype=dtype) / math.sqrt(d)
    return PPCA(W, torch.rand(D, generator=generator, dtype=dtype), shape)


def simulate(model, count, sigma, seed=1):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn((count, *model.latent_shape), generator=generator, dtype=torch.float64)
    noise = torch.randn((count, *model.image_shape), generator=generator, dtype=torch.float64)
    return model.decode(z) + sigma * noise


def make_likelihood(model, x, sigma):
    decoder, _ = make_decoder(model, GaussianObservation(sigma), "cpu")
    return Likelihood(decoder, GaussianObservation(sigma), x.flatten(1))


def prior_path(model, x, sigma):
    """The path from the prior with the identity as mass."""
    n, d = len(x), model.latent_shape[0]
    zero = torch.zeros((n, d), dtype=torch.float64)
    return Path(make_likelihood(model, x, sigma), make_frame(zero, torch.eye(d).double().expand(n, d, d), None))


def log_partition(model, x, sigma, beta):
    """Log Z_β = log ∫ p(z) p(x|z)^β dz, papers.md 3.10."""
    W, r = model.W.double(), x.double().flatten(1) - model.b.double()
    D, d = W.shape
    M = torch.eye(d, dtype=torch.float64) + beta * W.T @ W / sigma**2
    projected = r @ W
    quadratic = r.square().sum(1) - beta / sigma**2 * (projected * torch.linalg.solve(M, projected.T).T).sum(1)
    return -beta * D / 2 * math.log(2 * math.pi * sigma**2) - torch.logdet(M) / 2 - beta / (2 * sigma**2) * quadratic


def plan(path, temperatures, step=0.5, leapfrog=3, radius=4.0):
    """A sigmoid schedule with step sizes that shrink as the Gaussian path does."""
    n = len(path.frame.center)
    beta = sigmoid(temperatures, radius)[:, None].expand(-1, n).contiguous()
    return ais.Plan(beta, torch.full_like(beta, step), leapfrog)


def gaussian_plan(model, x, sigma, temperatures, leapfrog, copies=1):
    """Equal thermodynamic length from the closed form, with steps for the narrowest direction at each temperature."""
    d = model.latent_shape[0]
    W = model.W.double()
    mean, _ = model.posterior(x, sigma)
    eye = torch.eye(d, dtype=torch.float64).expand(len(x), d, d)
    fit = LaplaceFit(mean, eye + W.T @ W / sigma**2, mean[:, None], torch.ones(len(x), 1).double(), 0, 0)
    frame = make_frame(torch.zeros_like(mean), eye, fit)
    beta = equal_length(grid(), gaussian_speed(frame, grid()), temperatures)
    step = 1.2 / (1 + beta * (frame.precision.amax(dim=1) - 1)).sqrt()
    return ais.Plan(beta.repeat(1, copies), step.repeat(1, copies), leapfrog)


def weight_ratio(path, steps, exact, chains, seed=0):
    """Mean of w/p(x) over all chains and its standard error."""
    generator = Stream(seed, ("test",)).torch("chains")
    run = ais.anneal(path, path(path.draw(chains, generator)), steps, generator)
    ratio = (run.log_weights - exact[:, None]).exp().flatten()
    return float(ratio.mean()), float(ratio.std() / math.sqrt(len(ratio)))
