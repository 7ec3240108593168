"""Inverse temperatures 0 = β_0 < … < β_T = 1.

Linear; the sigmoid of Wu et al. (2017); and equal thermodynamic length: dβ ∝ 1/sd_{f_β}[log target − log start], which
spreads the variance of the log weight evenly. The last is known in closed form for Gaussian ends, and is refined with
standard deviations measured in a pilot run.
"""

from __future__ import annotations

import torch
from torch import Tensor

from didlearn.evidence.path import Frame

_FINE = 2000


def linear(temperatures: int) -> Tensor:
    """β_t = t/T: (T + 1,) float64."""
    return torch.linspace(0, 1, temperatures + 1, dtype=torch.float64)


def sigmoid(temperatures: int, radius: float = 4.0) -> Tensor:
    """β_t = (γ_t − γ_0)/(γ_T − γ_0), γ_t = 1/(1 + exp(−radius (2t/T − 1))): (T + 1,) float64."""
    gamma = torch.sigmoid(radius * (2 * linear(temperatures) - 1))
    beta = (gamma - gamma[0]) / (gamma[-1] - gamma[0])
    beta[-1] = 1.0
    return beta


def grid() -> Tensor:
    """Inverse temperatures at which the speed along the path is tabulated: dense near both ends, (G,) float64."""
    small = torch.logspace(-9, 0, _FINE, dtype=torch.float64)
    return torch.cat([torch.zeros(1, dtype=torch.float64), small, 1 - small[:-1]]).unique()


def gaussian_speed(frame: Frame, beta: Tensor) -> Tensor:
    """Return sd_{f_β}[log target − log start] if start and posterior were Gaussian: (n, len(beta)).

    With h = 1 − β + βλ: Var = Σ (λδ)²/h³ + ½ (1 − λ)²/h². papers.md 3.4 has the case of a start at the prior.
    """
    total = frame.precision.new_zeros((len(frame.precision), len(beta)))
    b = beta.to(total.device)
    for λ, δ in zip(frame.precision.T, frame.offset.T, strict=True):
        h = torch.lerp(torch.ones_like(λ)[:, None], λ[:, None], b)
        total += (λ * δ).square()[:, None] / h**3 + (1 - λ).square()[:, None] / (2 * h**2)
    return total.sqrt()


def equal_length(beta: Tensor, speed: Tensor, temperatures: int) -> Tensor:
    """Return inverse temperatures with the same ∫ speed dβ between neighbours.

    Args:
        beta: (G,) ascending from 0 to 1. speed: (n, G), at least 0; a constant is added so that no stretch is skipped.

    Returns:
        (T + 1, n) float64, exactly 0 and 1 at its ends.
    """
    beta = beta.to(speed.device)
    widths = beta.diff()
    mean = (speed[:, 1:] + speed[:, :-1]) / 2 * widths
    mean = mean + 0.02 * mean.sum(dim=1, keepdim=True) * widths + 1e-12 * widths
    length = torch.nn.functional.pad(mean.cumsum(dim=1), (1, 0))
    wanted = linear(temperatures).to(speed.device) * length[:, -1:]
    index = torch.searchsorted(length, wanted.contiguous()).clamp(1, len(beta) - 1)
    low, high = length.gather(1, index - 1), length.gather(1, index)
    share = ((wanted - low) / (high - low).clamp(min=1e-300)).clamp(0, 1)
    found = torch.lerp(beta[index - 1], beta[index], share)
    found[:, 0], found[:, -1] = 0.0, 1.0
    return found.T.contiguous()


def interpolate(beta: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Interpolate linearly, image by image.

    Args:
        beta: (T, n) where. knots: (K, n) ascending. values: (K, n).

    Returns:
        (T, n); constant beyond the knots.
    """
    where, x, y = (t.T.contiguous() for t in (beta, knots, values))
    index = torch.searchsorted(x, where).clamp(1, x.shape[1] - 1)
    x0, x1 = x.gather(1, index - 1), x.gather(1, index)
    share = ((where - x0) / (x1 - x0).clamp(min=1e-300)).clamp(0, 1)
    return torch.lerp(y.gather(1, index - 1), y.gather(1, index), share).T.contiguous()
