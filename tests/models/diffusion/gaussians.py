"""Diffusion and flow models of Gaussians, whose scores, velocities and densities are known."""

import numpy as np
import torch
from torch import nn

from didlearn.models.diffusion.oracle import GaussianNoise
from didlearn.models.diffusion.sampler import DiffusionModel

SHAPE = (1, 4, 4)
ALPHAS = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))


def gaussian(seed=0, D=16):
    """Mean (D,) and covariance (D, D) with eigenvalues from thousandths to tenths."""
    g = torch.Generator().manual_seed(seed)
    R = torch.randn(D, D, generator=g, dtype=torch.float64)
    return torch.rand(D, generator=g, dtype=torch.float64), 0.1 * R @ R.T / D + 1e-3 * torch.eye(D)


def oracle(steps, seed=0, **settings):
    mean, covariance = gaussian(seed)
    network = GaussianNoise(mean, covariance, torch.tensor(ALPHAS), SHAPE)
    return DiffusionModel(network, alphas=ALPHAS, image_shape=SHAPE, steps=steps, value_range=None, **settings)


def pictures(steps, **settings):
    """A diffusion model of grey pictures within [0, 1], neighbours alike."""
    D = 16
    near = torch.exp(-(torch.arange(D)[:, None] - torch.arange(D)).abs() / 3.0).double()
    network = GaussianNoise(torch.full((D,), 0.5), 0.01 * near, torch.tensor(ALPHAS), SHAPE)
    return DiffusionModel(network, alphas=ALPHAS, image_shape=SHAPE, steps=steps, value_range=(0, 1), **settings)


def levels(model):
    """The cumulated products it goes through, noise first."""
    return np.array([*(step.alpha for step in model.steps), model.steps[-1].next_alpha])


def noise(count, seed=1, shape=SHAPE):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class GaussianVelocity(nn.Module):
    """E[x − z | x_t] for x_t = (1 − t) z + t x with pixels x independent N(mean, variance)."""

    def __init__(self, mean, variance):
        super().__init__()
        self.mean, self.variance = mean, variance

    def forward(self, x, t):
        t = t.view(-1, 1, 1, 1)
        spread = t**2 * self.variance + (1 - t) ** 2
        return self.mean + (t * self.variance - (1 - t)) / spread * (x - t * self.mean)
