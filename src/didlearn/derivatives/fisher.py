"""The curvature that an observation gives to latents through the decoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from didlearn.derivatives.jacobian import jacobian

LARGEST = 2**25  # values of the Jacobians held together


def gauss_newton(decode: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Return JᵀFJ of each latent (n, d), with F the Fisher information of the pixels: (n, d, d) float64.

    Raises:
        ModelError: the decoder cannot be differentiated twice.
    """
    with torch.no_grad():
        width = decode(z[:1]).shape[1]
    group = max(1, LARGEST // max(1, width * z.shape[1]))
    return torch.cat([_gauss_newton(decode, information, part) for part in z.split(group)])


def _gauss_newton(decode: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    y, J = jacobian(decode, z)
    weighted = (J * information(y)[:, :, None].sqrt()).double()
    return weighted.mT @ weighted
