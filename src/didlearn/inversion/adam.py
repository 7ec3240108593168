"""The published protocol: Adam with a cosine schedule (Friedman & Weiss 2024), for every row at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

from didlearn.derivatives.domain import Domain
from didlearn.inversion.target import Target

_LEARNING_RATE = 0.1


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
    optimizer = torch.optim.Adam([point], lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    with torch.enable_grad():
        for number in range(steps):
            optimizer.zero_grad()
            r = target(point)
            squared = r.square().sum(dim=1)
            watch(2 * number, squared.detach().double())
            if squared.requires_grad:
                (squared / r.shape[1]).sum().backward()
                _forget_broken(point)
                optimizer.step()
                with torch.no_grad():
                    point.copy_(domain.project(point))
            schedule.step()
    return point.detach()


def _forget_broken(point: torch.Tensor) -> None:
    """Zero gradients that are not finite: a row where the decoder fails must not spread NaN into its own future."""
    if point.grad is not None:
        point.grad.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
