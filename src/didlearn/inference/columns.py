"""The decoder's Jacobian, column by column, by reverse-over-reverse differentiation.

g(u) = Jᵀu is linear in u, so the derivative of g_j in u is column j of J. The decoder itself is run plainly, once:
no function transform enters it, so that scripted modules and other threads' modules work as well.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from didlearn.errors import ModelError
from didlearn.models.drawing import first_line

LARGEST = 2**25


def jacobian(decode: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Return ∂ decode(z)ᵢ/∂zⱼ as (n, d, D): row j is column j of each Jacobian.

    Args:
        decode: latents (n, d) -> flat outputs (n, D), differentiable twice.
        z: (n, d) in the dtype that ``decode`` wants.

    Raises:
        ModelError: the decoder cannot be differentiated twice.
    """
    z = z.detach().requires_grad_()
    try:
        y = decode(z)
        u = torch.zeros_like(y, requires_grad=True)
        (g,) = torch.autograd.grad(y, z, u, create_graph=True)
        chunk = max(1, LARGEST // max(1, y.numel()))
        eye = torch.eye(z.shape[1], dtype=g.dtype, device=g.device)
        parts = [_columns(g, u, rows, last=rows[-1, -1].item() == 1) for rows in eye.split(chunk)]
    except RuntimeError as error:
        raise ModelError(
            f"the decoder's Jacobian cannot be computed ({first_line(error)}); its layers must be differentiable "
            'twice, or give mass="identity" with start="prior"'
        ) from error
    return torch.cat(parts).transpose(0, 1)


def _columns(g: Tensor, u: Tensor, rows: Tensor, *, last: bool) -> Tensor:
    directions = rows[:, None, :].expand(-1, len(g), -1)
    (columns,) = torch.autograd.grad(g, u, directions, is_grads_batched=True, retain_graph=not last)
    return columns


def gauss_newton(decode: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Return JᵀFJ of each image, (n, d, d) float64, with F the Fisher information of the pixels.

    Images are taken in groups whose Jacobians fit in memory together.
    """
    with torch.no_grad():
        width = decode(z[:1]).shape[1]
    group = max(1, LARGEST // max(1, width * z.shape[1]))
    return torch.cat([_gauss_newton(decode, information, part) for part in z.split(group)])


def _gauss_newton(decode: Callable[[Tensor], Tensor], information: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    J = jacobian(decode, z)
    with torch.no_grad():
        weighted = J * information(decode(z))[:, None, :].sqrt()
        weighted = weighted.double()
        return weighted @ weighted.transpose(1, 2)
