"""Our reading of the published protocol: Adam with a cosine schedule, for every row at once.

Friedman & Weiss (2024) invert by gradient descent; their rate, schedule and number of steps are not known to us.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.optim.adam import adam

from didlearn.derivatives.domain import Domain
from didlearn.inversion.target import Target

_LEARNING_RATE = 0.1  # ours, like the schedule and the number of steps


def descend(
    target: Target,
    z: torch.Tensor,
    steps: int,
    domain: Domain,
    watch: Callable[[int, torch.Tensor], None],
) -> torch.Tensor:
    """Return the points (n, d) after ``steps`` steps on the mean of r²; the last ones, as the protocol has it.

    ``watch`` is told the evaluations so far and the errors ‖r‖² (n,) before each step. Adam divides by the size of
    each coordinate's gradient, so the rows do not influence one another although their errors are summed.
    """
    point = z.detach().clone().requires_grad_()
    mean, square, count = torch.zeros_like(point), torch.zeros_like(point), torch.tensor(0.0)
    with torch.enable_grad():
        for number in range(steps):
            r = target(point)
            squared = r.square().sum(dim=1)
            watch(2 * number, squared.detach().double())
            if squared.requires_grad:
                (slope,) = torch.autograd.grad((squared / r.shape[1]).sum(), point, materialize_grads=True)
                _step(point, _finite(slope), (mean, square, count), number / steps)
                with torch.no_grad():
                    point.copy_(domain.project(point))
    return point.detach()


@torch.no_grad()
def _step(
    point: torch.Tensor, slope: torch.Tensor, kept: tuple[torch.Tensor, torch.Tensor, torch.Tensor], done: float
) -> None:
    """Take a step of Adam with the rate that is left when a share of the steps is ``done``.

    The function, not ``torch.optim.Adam``: making that one loads torch's compiler, for two seconds and nothing.
    """
    mean, square, count = kept
    rate = _LEARNING_RATE * (1 + math.cos(math.pi * done)) / 2
    adam(
        [point], [slope], [mean], [square], [], [count],
        amsgrad=False, beta1=0.9, beta2=0.999, lr=rate, weight_decay=0.0, eps=1e-8, maximize=False,
    )  # fmt: skip


def _finite(slope: torch.Tensor) -> torch.Tensor:
    """Zero gradients that are not finite: a row where the decoder fails must not spread NaN into its own future."""
    return slope.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
