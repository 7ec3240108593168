"""A small diffusion model: a denoiser of convolutions, and deterministic sampling with it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from didlearn.arrays import Floats, ImageShape
from didlearn.models.architectures.base import Architecture, ArchitectureArguments, Width
from didlearn.models.diffusion.sampler import DiffusionModel

LEVELS = 1000
_LINEAR = (1e-4, 0.02)  # Ho et al. 2020
_GROUPS = 8


class DiffusionArguments(ArchitectureArguments):
    """Channels of the denoiser at the image's own size, and the steps that sampling takes."""

    name: Literal["diffusion"] = "diffusion"
    width: Width = 32
    sampling_steps: Annotated[int, Field(ge=1, lt=LEVELS)] = 20


def linear_schedule() -> Floats:
    """Return the cumulated products (1000,) of Ho, Jain & Abbeel 2020: βs from 10⁻⁴ to 0.02."""
    found: Floats = np.cumprod(1 - np.linspace(*_LINEAR, LEVELS)).astype(np.float64)
    return found


class Diffusion(Architecture):
    """Images of noise of their own shape, in deterministic steps that can be run backwards."""

    estimated_density = True

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        if tuple(latent_shape) != tuple(image_shape) or classes is not None:
            raise ValueError("a diffusion model's latent has the shape of its images, and there are no classes")
        self.arguments = given = DiffusionArguments.model_validate(arguments)
        self.value_range = (-1, 1)
        self.sampler = DiffusionModel(
            Denoiser(image_shape[0], given.width), alphas=linear_schedule().tolist(), image_shape=image_shape,
            steps=given.sampling_steps,
        )  # fmt: skip

    @property
    def denoiser(self) -> nn.Module:
        """(x, t) -> the noise in x (n, C, H, W) at steps t (n,) from 0 to 999."""
        return self.sampler.network

    def forward(self, z: Tensor) -> Tensor:
        """Images (n, C, H, W)."""
        return self.sampler(z)

    def encode(self, x: Tensor) -> Tensor:
        """The noise that images (n, C, H, W) are made from."""
        return self.sampler.encode(x)

    def log_density(self, x: Tensor) -> Tensor:
        """Log density of images (n, C, H, W), in nats: (n,)."""
        return self.sampler.log_density(x)


class Denoiser(nn.Module):
    """Two scales of residual blocks that are told the noise level (after Ho et al. 2020, without attention)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.features = 2 * width
        self.time = nn.Sequential(nn.Linear(self.features, 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width))
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.first, self.second = ResidualBlock(width, width, 4 * width), ResidualBlock(width, 2 * width, 4 * width)
        self.middle = ResidualBlock(2 * width, 2 * width, 4 * width)
        self.back = ResidualBlock(4 * width, 2 * width, 4 * width)
        self.last = ResidualBlock(3 * width, width, 4 * width)
        self.leave = nn.Sequential(normalised(width), nn.SiLU(), nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Predict the noise (n, C, H, W)."""
        when = self.time(waves(t, self.features))
        fine = self.first(self.enter(x), when)
        coarse = self.second(functional.avg_pool2d(fine, 2, ceil_mode=True), when)
        coarse = self.back(torch.cat([self.middle(coarse, when), coarse], dim=1), when)
        up = functional.interpolate(coarse, fine.shape[2:], mode="nearest")
        return self.leave(self.last(torch.cat([up, fine], dim=1), when))


class ResidualBlock(nn.Module):
    """x + two convolutions, shifted by what the time says."""

    def __init__(self, width_in: int, width_out: int, told: int) -> None:
        super().__init__()
        self.one = nn.Sequential(normalised(width_in), nn.SiLU(), nn.Conv2d(width_in, width_out, 3, padding=1))
        self.told = nn.Linear(told, width_out)
        self.two = nn.Sequential(normalised(width_out), nn.SiLU(), nn.Conv2d(width_out, width_out, 3, padding=1))
        self.past = nn.Conv2d(width_in, width_out, 1) if width_in != width_out else nn.Identity()

    def forward(self, x: Tensor, when: Tensor) -> Tensor:
        """Return (n, width_out, H, W)."""
        return self.past(x) + self.two(self.one(x) + self.told(when)[:, :, None, None])


def normalised(width: int) -> nn.GroupNorm:
    """Return a normalisation in up to eight groups."""
    return nn.GroupNorm(math.gcd(width, _GROUPS), width)


def waves(t: Tensor, features: int) -> Tensor:
    """Return sines and cosines (n, features) of times (n,), of periods from 2π to 2π · 10⁴."""
    half = features // 2
    rates = torch.exp(-math.log(1e4) * torch.arange(half, device=t.device, dtype=t.dtype) / max(half - 1, 1))
    phase = t[:, None] * rates
    return torch.cat([phase.sin(), phase.cos()], dim=1)
