"""Spectral norms of a network's linear maps: exact where the matrix is small, an upper bound by FFT where not.

A convolution with zero padding is a restriction of the one on a torus large enough that nothing wraps around, so the
torus's norm bounds it from above. On the torus frequencies decouple: the norm is the greatest spectral norm over
frequencies of the kernel's transform (out, in); with a stride s, of the s_h s_w frequencies that fold onto one another
side by side, divided by √(s_h s_w). A transposed convolution is an adjoint and has the same norm.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

DENSE_ENTRIES = 2**22  # entries of a matrix that is written out
Sides = tuple[int, int]


def matrix_norm(matrix: torch.Tensor) -> float:
    """Return the spectral norm of (m, n), from the smaller of its two Gram matrices."""
    a = matrix.double()
    gram = a @ a.mH if a.shape[-2] <= a.shape[-1] else a.mH @ a
    return float(torch.linalg.eigvalsh(gram)[..., -1].max().clamp(min=0).sqrt())


def convolution_norm(
    weight: torch.Tensor,
    size: Sides,
    *,
    stride: Sides = (1, 1),
    padding: Sides = (0, 0),
    dilation: Sides = (1, 1),
    groups: int = 1,
    output_padding: Sides = (0, 0),
    transposed: bool = False,
) -> tuple[float, bool]:
    """Return an upper bound of a two-dimensional convolution's spectral norm, and whether it is exact.

    Args:
        weight: (out, in / groups, h, w), transposed (in, out / groups, h, w). size: (H, W) of the input.
        stride, padding, dilation, groups, output_padding: as in torch.
        transposed: whether it is a transposed convolution.
    """
    weight = weight.detach().cpu()
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    inputs = channels * size[0] * size[1]

    def apply(images: torch.Tensor) -> torch.Tensor:
        kernel = weight.double()
        if transposed:
            return functional.conv_transpose2d(images, kernel, None, stride, padding, output_padding, groups, dilation)
        return functional.conv2d(images, kernel, None, stride, padding, dilation, groups)

    if inputs * weight[0].numel() <= DENSE_ENTRIES:
        outputs = apply(torch.zeros(1, channels, *size, dtype=torch.float64)).numel()
        if inputs * outputs <= DENSE_ENTRIES and inputs**2 <= DENSE_ENTRIES:
            return matrix_norm(apply(torch.eye(inputs, dtype=torch.float64).view(-1, channels, *size)).flatten(1)), True
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if transposed:
        torus = [(n - 1) * s + r + 1 for n, s, r in zip(size, stride, reach, strict=True)]
    else:
        torus = [n + r for n, r in zip(size, reach, strict=True)]
    rounded = [math.ceil(n / s) * s for n, s in zip(torus, stride, strict=True)]
    parts = weight.double().split(weight.shape[0] // groups)
    return max(_torus_norm(part, (rounded[0], rounded[1]), stride, dilation) for part in parts), False


def _torus_norm(kernel: torch.Tensor, torus: Sides, stride: Sides, dilation: Sides) -> float:
    """Return the norm of the convolution (a, b, h, w) on a torus whose sides are multiples of the stride."""
    a, b, h, w = kernel.shape
    spread = torch.zeros(a, b, max(torus[0], dilation[0] * (h - 1) + 1), max(torus[1], dilation[1] * (w - 1) + 1))
    spread = spread.to(kernel)
    spread[:, :, : dilation[0] * (h - 1) + 1 : dilation[0], : dilation[1] * (w - 1) + 1 : dilation[1]] = kernel
    frequencies = torch.fft.fft2(spread)
    rows, columns = torus[0] // stride[0], torus[1] // stride[1]
    folded = frequencies.view(a, b, stride[0], rows, stride[1], columns).permute(3, 5, 0, 1, 2, 4)
    blocks = folded.reshape(rows * columns, a, b * stride[0] * stride[1])
    greatest = 0.0
    for block in blocks.split(max(1, DENSE_ENTRIES // blocks[0].numel())):
        gram = block @ block.mH if a <= block.shape[2] else block.mH @ block
        greatest = max(greatest, float(torch.linalg.eigvalsh(gram)[:, -1].max()))
    return math.sqrt(max(greatest, 0.0) / (stride[0] * stride[1]))
