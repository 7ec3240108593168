"""Observation models p(x|y): how far an image x may lie from the decoder's output y, in nats.

Each knows its log density, its score ∂ log p(x|y)/∂y, its Fisher information about ``y``, and how to draw.
``y`` and ``x`` are flat images (..., D); ``sigma`` is a standard deviation in units of the images.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from didlearn.errors import UsageError

_NAMES = ("gaussian", "laplace", "bernoulli")
_EDGE = 1e-6


class Observation(ABC):
    """p(x|y), independent over pixels.

    Attributes:
        takes_logits: whether ``y`` are logits instead of means.
    """

    takes_logits: bool = False

    @abstractmethod
    def log_prob(self, y: Tensor, x: Tensor) -> Tensor:
        """Return log p(x|y) in nats: (...,) float64."""

    @abstractmethod
    def score(self, y: Tensor, x: Tensor) -> Tensor:
        """Return the derivative of log p(x|y) in ``y``: (..., D)."""

    @abstractmethod
    def information(self, y: Tensor) -> Tensor:
        """Return the Fisher information of each pixel about ``y``: (..., D)."""

    @abstractmethod
    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Draw x ~ p(x|y), on the device of ``y``."""


@dataclass(frozen=True)
class GaussianObservation(Observation):
    """log N(x; y, σ²) = −‖x − y‖²/2σ² − (D/2) log 2πσ²."""

    sigma: float

    def log_prob(self, y: Tensor, x: Tensor) -> Tensor:
        """Log N(x; y, σ²)."""
        square = (x - y).square().sum(dim=-1, dtype=torch.float64)
        return square * (-0.5 / self.sigma**2) - y.shape[-1] / 2 * math.log(2 * math.pi * self.sigma**2)

    def score(self, y: Tensor, x: Tensor) -> Tensor:
        """(x − y)/σ²."""
        return (x - y).mul_(1 / self.sigma**2)

    def information(self, y: Tensor) -> Tensor:
        """1/σ²."""
        return torch.full_like(y, 1 / self.sigma**2)

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Y + σ η."""
        return y + self.sigma * torch.randn(y.shape, generator=generator, dtype=y.dtype).to(y.device)


@dataclass(frozen=True)
class LaplaceObservation(Observation):
    """log p(x|y) = −Σ|x − y|/b − D log 2b with b = σ/√2, so that σ is the standard deviation here too."""

    sigma: float

    @property
    def scale(self) -> float:
        """The mean absolute deviation b."""
        return self.sigma / math.sqrt(2)

    def log_prob(self, y: Tensor, x: Tensor) -> Tensor:
        """−Σ|x − y|/b − D log 2b."""
        distance = (x - y).abs().sum(dim=-1, dtype=torch.float64)
        return -distance / self.scale - y.shape[-1] * math.log(2 * self.scale)

    def score(self, y: Tensor, x: Tensor) -> Tensor:
        """sign(x − y)/b."""
        return (x - y).sign() / self.scale

    def information(self, y: Tensor) -> Tensor:
        """1/b²."""
        return torch.full_like(y, 1 / self.scale**2)

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Y + b (E − E′) with exponential E, E′."""
        uniform = torch.rand((2, *y.shape), generator=generator, dtype=torch.float64)
        exponential = -torch.log1p(-uniform)
        return y + (self.scale * (exponential[0] - exponential[1])).to(y)


@dataclass(frozen=True)
class BernoulliObservation(Observation):
    """Binary pixels with mean y, or with logit y; x between 0 and 1 is scored by the same formula.

    log p = Σ x log m + (1 − x) log(1 − m). Means are kept ``_EDGE`` away from 0 and 1; logits need no such care.
    """

    takes_logits: bool = False

    def log_prob(self, y: Tensor, x: Tensor) -> Tensor:
        """Σ x log m + (1 − x) log(1 − m)."""
        if self.takes_logits:
            return (x * y - softplus(y)).sum(dim=-1, dtype=torch.float64)
        m = y.clamp(_EDGE, 1 - _EDGE)
        return (torch.xlogy(x, m) + torch.xlogy(1 - x, 1 - m)).sum(dim=-1, dtype=torch.float64)

    def score(self, y: Tensor, x: Tensor) -> Tensor:
        """The score: x − sigmoid(y) for logits, (x − m)/m(1 − m) for means."""
        if self.takes_logits:
            return x - y.sigmoid()
        m = y.clamp(_EDGE, 1 - _EDGE)
        return (x - m) / (m * (1 - m))

    def information(self, y: Tensor) -> Tensor:
        """m(1 − m) for logits, 1/m(1 − m) for means."""
        if self.takes_logits:
            m = y.sigmoid()
            return m * (1 - m)
        m = y.clamp(_EDGE, 1 - _EDGE)
        return 1 / (m * (1 - m))

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """0 or 1 in each pixel."""
        m = y.sigmoid() if self.takes_logits else y
        return (torch.rand(y.shape, generator=generator, dtype=torch.float64).to(y.device) < m).to(y.dtype)


def make_observation(name: str, sigma: float) -> Observation:
    """Return the observation model called ``name``.

    Raises:
        UsageError: there is none, or ``sigma`` is not a positive number.
    """
    if name not in _NAMES:
        raise UsageError(f"the observation model is {name!r}; give one of {', '.join(_NAMES)}")
    if name == "bernoulli":
        return BernoulliObservation()
    if not (isinstance(sigma, int | float) and math.isfinite(sigma) and sigma > 0):
        raise UsageError(f"sigma is {sigma!r}; give a positive number, the standard deviation of a pixel")
    return GaussianObservation(float(sigma)) if name == "gaussian" else LaplaceObservation(float(sigma))
