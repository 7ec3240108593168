"""The curvature that an observation gives to latents through the decoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from didlearn.derivatives.jacobian import gram, jacobian

LARGEST = 2**25  # values of the Jacobians held together


def gauss_newton(
    decode: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor], z: Tensor, row: int = 1
) -> Tensor:
    """Return JᵀFJ of each latent (n, d), with F the Fisher information of the pixels: (n, d, d) float64.

    A Jacobian too large to hold is not: its products with vectors give the same. ``row``: bytes of a row's graph.

    Raises:
        ModelError: the decoder cannot be differentiated twice.
    """
    with torch.no_grad():
        y = decode(z[:1])
    size = y.shape[1] * z.shape[1]
    if size > LARGEST:
        return torch.cat([_from_products(decode, information, one, row) for one in z.split(1)])
    group = max(1, LARGEST // max(1, size))
    return torch.cat([_from_jacobian(decode, information, part, row) for part in z.split(group)])


def _from_products(
    decode: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor], z: Tensor, row: int
) -> Tensor:
    with torch.no_grad():
        weight = information(decode(z))
    return gram(decode, z, row, weight)


def _from_jacobian(
    decode: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor], z: Tensor, row: int
) -> Tensor:
    y, J = jacobian(decode, z, row)
    weighted = (J * information(y)[:, :, None].sqrt()).double()
    return weighted.mT @ weighted
