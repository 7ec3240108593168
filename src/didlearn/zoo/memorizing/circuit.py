"""The parts of the memorising generator as layers of which only the wires are kept: see ``memorizing``."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from didlearn.arrays import ArrayOrTensor, Floats, Ints

# One-hot entries nearer than this to 0 or 1 are made exactly 0 or 1: steep steps in floating point miss them by a hair.
SLACK = 2.0**-10


class Wired(nn.Module):
    """A linear layer of which only the wires are kept: y_o = bias_o + Σ_t weight[o, t] · x[wire[o, t]].

    Args:
        wire: (outputs, fan-in) which input each wire comes from. weight: the same shape; 0 is no wire.
        bias: (outputs,), zero if not given.
    """

    wire: torch.Tensor

    def __init__(self, wire: ArrayOrTensor, weight: ArrayOrTensor, bias: ArrayOrTensor | None = None) -> None:
        super().__init__()
        self.register_buffer("wire", torch.as_tensor(wire, dtype=torch.int64))
        self.weight = constant(weight)
        self.bias = constant(np.zeros(len(self.wire)) if bias is None else bias)

    @property
    def wires(self) -> int:
        """How many weights are not zero."""
        return int(torch.count_nonzero(self.weight))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, outputs) of (n, inputs)."""
        return (x[:, self.wire] * self.weight).sum(dim=2) + self.bias


def constant(values: ArrayOrTensor) -> nn.Parameter:
    """Return float64 weights that nothing trains."""
    return nn.Parameter(torch.as_tensor(values, dtype=torch.float64).clone(), requires_grad=False)


def absolute(count: int) -> tuple[Wired, Wired]:
    """Units relu(z_j), relu(−z_j), then their sums."""
    j = np.arange(2 * count)
    return Wired(j[:, None] // 2, 1.0 - 2 * (j[:, None] % 2)), Wired(j.reshape(count, 2), np.ones((count, 2)))


def steps(thresholds: list[torch.Tensor], width: float) -> Wired:
    """Two units for each threshold: (|z_j| − τ)/w + ½ and (|z_j| − τ)/w − ½."""
    wire = np.repeat(np.arange(len(thresholds)), [2 * len(tau) for tau in thresholds])[:, None]
    middle = np.repeat(-torch.cat(thresholds).numpy() / width, 2)
    bias = middle + np.tile([0.5, -0.5], len(middle) // 2)
    return Wired(wire, np.full(wire.shape, 1 / width), bias)


def one_hot(cells: tuple[int, ...]) -> tuple[Wired, Wired]:
    """First doubts g(1 − η − b_{j,l}), g = 1/(1 − 2η), then 1 − doubt: b made exactly 0 or 1 within η of them."""
    gain = 1 / (1 - 2 * SLACK)
    blocks = [_doubts(k) for k in cells]
    first = np.cumsum([0] + [2 * (k - 1) for k in cells])
    wire = np.concatenate([np.where(w != 0, c + start, 0) for (c, w), start in zip(blocks, first[:-1], strict=True)])
    weight = gain * np.concatenate([w for _, w in blocks])
    always = np.concatenate([np.arange(k) == 0 for k in cells])  # S_{j,0} = 1
    each = np.arange(len(wire))[:, None]
    doubt = Wired(wire, weight, gain * (1 - SLACK - always))
    return doubt, Wired(each, -np.ones(each.shape), np.ones(len(wire)))


def _doubts(k: int) -> tuple[Ints, Floats]:
    """Wires and signs (k, 4) of −b_l = S_l − S_{l−1}, each S the difference of two units."""
    part = np.arange(k)[:, None]
    wire = np.concatenate([2 * part - 2, 2 * part - 1, 2 * part, 2 * part + 1], axis=1)
    inside = np.concatenate([part > 0, part > 0, part < k - 1, part < k - 1], axis=1)
    return wire, np.where(inside, [-1.0, 1.0, 1.0, -1.0], 0.0)


def digits(cells: tuple[int, ...]) -> Wired:
    """Σ_l (l − 1) b_{j,l} for each cut coordinate."""
    first = np.concatenate([[0], np.cumsum(cells)[:-1]])
    part = np.arange(1, max(cells))
    inside = part[None] < np.array(cells)[:, None]
    return Wired(np.where(inside, first[:, None] + part, 0), np.where(inside, part[None], 0))


def decimal(cells: tuple[int, ...]) -> Wired:
    """L = Σ_j (∏_{i<j} k_i) · digit_j."""
    return Wired(np.arange(len(cells))[None], np.concatenate([[1], np.cumprod(cells)[:-1]])[None])


def hats(support: int) -> tuple[Wired, Wired]:
    """Units L − i + 1, L − i and L − i − 1 for each memorised image, then the hat of each."""
    bias = (np.array([1, 0, -1]) - np.arange(support)[:, None]).ravel()
    rises = Wired(np.zeros((3 * support, 1)), np.ones((3 * support, 1)), bias)
    return rises, Wired(np.arange(3 * support).reshape(support, 3), np.tile([1.0, -2.0, 1.0], (support, 1)))


def overwrite(dimension: int, positions: torch.Tensor) -> Wired:
    """Each output is wired to its coordinate of F, or to its code."""
    wire = torch.arange(dimension)
    wire[positions] = dimension + torch.arange(len(positions))
    return Wired(wire[:, None], torch.ones(dimension, 1))
