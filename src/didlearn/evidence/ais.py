"""Annealed importance sampling along f_β = start^(1−β) (p(z)p(x|z))^β, forward and in reverse.

Forward (Neal, 2001): u_0 ~ start; log w = Σ_t (β_t − β_{t−1}) [log target − log start](u_{t−1}), where u_t follows from
u_{t−1} by a transition that leaves f_{β_t} invariant. E[w] = p(x), hence E[log mean w] ≤ log p(x) (Wu et al., 2017).
In reverse, from an exact posterior sample through the same temperatures downwards, the same sum has E[1/w] = 1/p(x).
Weights are float64 and nothing adapts here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from didlearn.evidence import hmc
from didlearn.evidence.path import Path


class Plan(NamedTuple):
    """What is frozen before a counted run.

    Attributes:
        beta: (T + 1, n) inverse temperatures from 0 to 1. step_size: (T + 1, n). leapfrog: steps of a trajectory.
    """

    beta: Tensor
    step_size: Tensor
    leapfrog: int


class Run(NamedTuple):
    """What a counted run gave.

    Attributes:
        log_weights: (n, chains) float64. acceptance: (T − 1, n) mean acceptance at each temperature moved at.
        trace: (T − 1, n, chains) log target along the way.
    """

    log_weights: Tensor
    acceptance: Tensor
    trace: Tensor


def increment(state: hmc.State, step: Tensor) -> Tensor:
    """(β_t − β_{t−1}) [log target − log start] with ``step`` (n,) the difference: (n, chains), −∞ where undefined."""
    work = state.log_target - state.log_start
    return torch.where(torch.isfinite(work), step[:, None] * work, -torch.inf)


def kernel(plan: Plan, path: Path, t: int) -> hmc.Kernel:
    """Return the transition at temperature ``t``."""
    return hmc.Kernel(plan.beta[t], plan.step_size[t], path.frame.scale(plan.beta[t]), plan.leapfrog)


def anneal(path: Path, state: hmc.State, plan: Plan, generator: torch.Generator) -> Run:
    """Run forward from ``state``, drawn from the start. No move follows the last weight: it would not count."""
    total = increment(state, plan.beta[1] - plan.beta[0])
    acceptance, trace = [], []
    for t in range(1, len(plan.beta) - 1):
        state, info = hmc.step(path, state, kernel(plan, path, t), generator)
        total = total + increment(state, plan.beta[t + 1] - plan.beta[t])
        acceptance.append(info.acceptance.mean(dim=1))
        trace.append(state.log_target)
    return _run(total, acceptance, trace)


def anneal_back(path: Path, state: hmc.State, plan: Plan, generator: torch.Generator) -> Run:
    """Run in reverse from ``state``, an exact posterior sample."""
    last = len(plan.beta) - 1
    total = increment(state, plan.beta[last] - plan.beta[last - 1])
    acceptance, trace = [], []
    for t in range(last - 1, 0, -1):
        state, info = hmc.step(path, state, kernel(plan, path, t), generator)
        total = total + increment(state, plan.beta[t] - plan.beta[t - 1])
        acceptance.append(info.acceptance.mean(dim=1))
        trace.append(state.log_target)
    return _run(total, acceptance, trace)


def _run(total: Tensor, acceptance: list[Tensor], trace: list[Tensor]) -> Run:
    n, chains = total.shape
    empty = total.new_zeros
    return Run(
        total,
        torch.stack(acceptance) if acceptance else empty((0, n)),
        torch.stack(trace) if trace else empty((0, n, chains)),
    )


def log_mean_weight(log_weights: Tensor) -> Tensor:
    """Log of the mean weight over chains: (n,)."""
    return torch.logsumexp(log_weights, dim=1) - math.log(log_weights.shape[1])


def effective_chains(log_weights: Tensor) -> Tensor:
    """Effective sample size (Σw)²/Σw² over chains: (n,), between 1 and their number."""
    return (2 * torch.logsumexp(log_weights, dim=1) - torch.logsumexp(2 * log_weights, dim=1)).exp()


def standard_error(log_weights: Tensor) -> Tensor:
    """Standard error of log mean w by the delta method, sd(w)/(mean(w)·√chains) = √((K/ESS − 1)/(K − 1)): (n,)."""
    K = log_weights.shape[1]
    return ((K / effective_chains(log_weights) - 1).clamp(min=0) / (K - 1)).sqrt()


def r_hat(trace: Tensor) -> Tensor:
    """Potential scale reduction across chains over the last half of a run, less the mean at each temperature: (n,).

    Args:
        trace: (T, n, chains). Chains stuck in different places give values far above 1.
    """
    y = trace[len(trace) // 2 :].nan_to_num(0.0, posinf=0.0, neginf=0.0)
    if len(y) < 4:
        return torch.full(trace.shape[1:2], torch.nan, dtype=torch.float64)
    y = y - y.mean(dim=2, keepdim=True)
    within = y.var(dim=0).mean(dim=1)
    between = y.mean(dim=0).var(dim=1)
    return ((len(y) - 1) / len(y) + between / within.clamp(min=1e-300)).sqrt()
