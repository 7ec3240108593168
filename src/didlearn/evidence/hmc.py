"""Hamiltonian Monte Carlo on f_β = start^(1−β) target^β, batched over images × chains in one graph.

Pure functions: ``State`` is what the next step needs, ``Info`` what a diagnostic needs. A state keeps both log
densities and both gradients, so that changing β costs no gradient: a trajectory of L leapfrog steps is L evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

_JITTER = 0.2


class State(NamedTuple):
    """Where the chains are.

    Attributes:
        position: (n, chains, d). log_start, log_target: (n, chains) log densities there, unnormalised, in nats.
        start_gradient, target_gradient: (n, chains, d) of those.
    """

    position: Tensor
    log_start: Tensor
    log_target: Tensor
    start_gradient: Tensor
    target_gradient: Tensor


class Info(NamedTuple):
    """What happened in a step.

    Attributes:
        acceptance: (n, chains) probability with which the proposal was accepted.
        accepted: (n, chains) whether it was.
    """

    acceptance: Tensor
    accepted: Tensor


class Kernel(NamedTuple):
    """How to move at one temperature.

    Attributes:
        beta: (n,) inverse temperature of each image.
        step_size: (n,) of each image. scale: (n, d), the inverse square root of the diagonal mass.
        leapfrog: steps of a trajectory.
    """

    beta: Tensor
    step_size: Tensor
    scale: Tensor
    leapfrog: int


Evaluate = Callable[[Tensor, bool], State]


def tempered_log_density(state: State, beta: Tensor) -> Tensor:
    """Log f_β = (1 − β) log start + β log target, (n, chains); −∞ where either is not finite."""
    b = beta[:, None]
    value = torch.lerp(state.log_start, state.log_target, b)
    return torch.where(torch.isfinite(value), value, -torch.inf)


def tempered_gradient(state: State, beta: Tensor) -> Tensor:
    """Return the gradient of log f_β: (n, chains, d)."""
    return torch.lerp(state.start_gradient, state.target_gradient, beta[:, None, None])


def leapfrog(
    evaluate: Evaluate, state: State, momentum: Tensor, kernel: Kernel, step_size: Tensor
) -> tuple[State, Tensor]:
    """Follow Hamilton's equations for ``kernel.leapfrog`` steps; return the end and its momentum.

    In coordinates where the mass is 1: p ← p + (ε/2) s∇log f, then z ← z + ε s p, p ← p + ε s∇log f in turn, the last
    kick being a half one again. Reversible and volume preserving whatever ``step_size``.

    Args:
        evaluate: (position, whether its log densities are wanted) -> state. momentum: (n, chains, d), standard normal.
        step_size: (n, chains), jittered already.
    """
    stride = step_size[..., None] * kernel.scale[:, None, :]
    momentum = torch.addcmul(momentum, stride, tempered_gradient(state, kernel.beta), value=0.5)
    for step in range(kernel.leapfrog):
        last = step == kernel.leapfrog - 1
        state = evaluate(torch.addcmul(state.position, stride, momentum), last)
        momentum = torch.addcmul(momentum, stride, tempered_gradient(state, kernel.beta), value=0.5 if last else 1.0)
    return state, momentum


def energy(state: State, momentum: Tensor, beta: Tensor) -> Tensor:
    """Total energy −log f_β + ‖p‖²/2: (n, chains)."""
    return momentum.square().sum(dim=-1) / 2 - tempered_log_density(state, beta)


def acceptance(before: Tensor, after: Tensor) -> Tensor:
    """min(1, exp(H − H′)) of energies (n, chains); 0 where the proposal's energy is no number."""
    change = torch.where(before == torch.inf, torch.inf, before - after)
    probability = change.clamp(max=0).exp()
    return torch.where(torch.isfinite(after), probability.nan_to_num(0.0), 0.0)


def step(evaluate: Evaluate, state: State, kernel: Kernel, generator: torch.Generator) -> tuple[State, Info]:
    """Make one transition that leaves f_β invariant: fresh momentum, a jittered trajectory, accept or stay.

    Step sizes are multiplied by uniform numbers in 1 ± ``_JITTER``, one for each chain, against resonance.
    """
    n, chains, d = state.position.shape
    noise = torch.randn((n, chains, d), generator=generator)  # twice as fast as float64, and as normal
    uniform = torch.rand((2, n, chains), generator=generator, dtype=torch.float64).to(state.position.device)
    momentum = noise.to(state.position)
    step_size = kernel.step_size[:, None] * (1 + _JITTER * (2 * uniform[0] - 1))
    proposal, end = leapfrog(evaluate, state, momentum, kernel, step_size)
    probability = acceptance(energy(state, momentum, kernel.beta), energy(proposal, end, kernel.beta))
    accepted = uniform[1] < probability
    return _choose(accepted, proposal, state), Info(probability, accepted)


def _choose(accepted: Tensor, proposal: State, state: State) -> State:
    """Take the proposal where ``accepted`` (n, chains), the old state elsewhere."""
    wide = accepted[..., None]
    return State(
        *(torch.where(wide if new.ndim == 3 else accepted, new, old) for new, old in zip(proposal, state, strict=True))
    )
