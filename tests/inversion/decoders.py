"""Decoders whose nearest points are known."""

from __future__ import annotations

from itertools import pairwise

import torch

from didlearn.models import open_model
from didlearn.models.oracles import PPCA
from tests.embeddings.functions import Apply


def decoder(function, d, value_range=None, **options):
    """Open a function (n, d) -> (n, C, H, W) as a model."""
    return open_model(Apply(function), latent_shape=(d,), value_range=value_range, **options)


def relu(d, hidden, pixels=400, seed=0):
    """A ReLU decoder with normal weights, latent d, images 1 x 20 x 20."""
    g = torch.Generator().manual_seed(seed)
    sizes = [d, *hidden, pixels]
    weights = [torch.randn(b, a, generator=g) * (2 / a) ** 0.5 for a, b in pairwise(sizes)]
    weights[-1] = weights[-1] / 2**0.5

    def decode(z):
        for weight in weights[:-1]:
            z = torch.relu(z @ weight.T)
        return (z @ weights[-1].T).view(len(z), 1, -1, 20)

    return decoder(decode, d)


def linear(d=6, shape=(1, 8, 8), seed=0, spread=1.0):
    """PPCA whose loadings' singular values fall by ``spread`` from first to last."""
    g = torch.Generator().manual_seed(seed)
    D = shape[0] * shape[1] * shape[2]
    W = torch.linalg.qr(torch.randn(D, d, generator=g, dtype=torch.float64))[0]
    W = W * torch.logspace(0, -torch.log10(torch.tensor(spread)).item(), d, dtype=torch.float64)
    return PPCA(W, torch.randn(D, generator=g, dtype=torch.float64) * 0.1, shape)


def sphere(d=5, pixels=(1, 4, 4)):
    """G(z) = z/|z| in the first d pixels: the nearest point to x is x/|x| there, at a known distance."""
    D = pixels[0] * pixels[1] * pixels[2]

    def decode(z):
        unit = z / z.norm(dim=1, keepdim=True).clamp(min=1e-6)
        return torch.cat([unit, torch.zeros(len(z), D - d, dtype=z.dtype)], dim=1).view(-1, *pixels)

    return decoder(decode, d)
