"""A pilot run: step sizes for each temperature and the speed along the path, found with random numbers of its own.

What it finds is frozen before the counted run. Step sizes that follow the counted chains make E[weight] differ from
p(x) (papers.md 3.3: 1.75 times it), and the bound is gone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from didlearn.evidence import hmc
from didlearn.evidence.path import Path
from didlearn.evidence.schedule import equal_length, gaussian_speed, grid, interpolate, linear, sigmoid

_TARGET = 0.8
_SHORTEST, _LONGEST = 1e-4, 1.8


class Pilot(NamedTuple):
    """What the counted run may use.

    Attributes:
        knots: (K + 1, n) inverse temperatures visited. log_step: (K + 1, n) log step sizes there.
        speed: (K + 1, n) standard deviations of log target − log start there, by quartiles.
        evaluations: of each chain's gradient.
    """

    knots: Tensor
    log_step: Tensor
    speed: Tensor
    evaluations: int


def run_pilot(
    path: Path, chains: int, knots: int, transitions: int, leapfrog: int, generator: torch.Generator
) -> Pilot:
    """Anneal along ``knots`` temperatures of equal Gaussian length, tuning the step size by stochastic approximation.

    log ε ← log ε + (acceptance − 0.8)·gain, acceptance being the mean over an image's chains.
    """
    before = path.evaluations
    beta = equal_length(grid(), _rough_speed(path, grid()), knots)
    state = path(path.draw(chains, generator))
    d = state.position.shape[-1]
    log_step = torch.full_like(beta[0], 1.3 * d**-0.25).clamp(max=1.0).log()
    steps, speeds = [log_step], [spread(state)]
    for b in beta[1:]:
        for attempt in range(transitions):
            kernel = hmc.Kernel(b, log_step.exp(), path.frame.scale(b), leapfrog)
            state, info = hmc.step(path, state, kernel, generator)
            log_step = _adapt(log_step, info.acceptance, gain=1.5 / (1 + attempt))
        steps.append(log_step)
        speeds.append(spread(state))
    steps[0] = steps[1]
    return Pilot(beta, torch.stack(steps), torch.stack(speeds), path.evaluations - before)


def _adapt(log_step: Tensor, acceptance: Tensor, gain: float) -> Tensor:
    """Return log step sizes (n,) moved towards an acceptance rate of 0.8."""
    moved = log_step + gain * (acceptance.mean(dim=1) - _TARGET)
    return moved.clamp(torch.tensor(_SHORTEST).log().item(), torch.tensor(_LONGEST).log().item())


def spread(state: hmc.State) -> Tensor:
    """Interquartile range of log target − log start over the chains, in units of a normal standard deviation: (n,)."""
    work = (state.log_target - state.log_start).nan_to_num(-1e12, posinf=1e12, neginf=-1e12)
    low, high = torch.quantile(work, torch.tensor([0.25, 0.75]).to(work), dim=1)
    return (high - low) / 1.349


def _rough_speed(path: Path, beta: Tensor) -> Tensor:
    """Speed of the Gaussian path; where nothing is known of the posterior, 1/(β + 1/D): (n, len(beta))."""
    speed = gaussian_speed(path.frame, beta)
    unknown = (1 / (beta + 1 / path.likelihood.x.shape[1])).to(speed)
    return torch.where((speed <= 1e-9).all(dim=1, keepdim=True), unknown, speed)


def make_schedule(name: str, path: Path, pilot: Pilot, temperatures: int) -> Tensor:
    """Return inverse temperatures (T + 1, n): linear, sigmoid, or of equal length by the pilot's speed."""
    if name != "equal":
        beta = linear(temperatures) if name == "linear" else sigmoid(temperatures)
        return beta[:, None].expand(-1, pilot.knots.shape[1]).to(pilot.knots).contiguous()
    fine = grid().to(pilot.knots.device)
    rough = _rough_speed(path, fine)
    n = len(rough)
    knots, at = pilot.knots, fine[:, None].expand(-1, n)
    guess = interpolate(knots, at, rough.T)
    ratio = (pilot.speed / guess.clamp(min=1e-12)).clamp(0.2, 20)
    return equal_length(fine, rough * interpolate(at, knots, ratio).T, temperatures)


def frozen_steps(pilot: Pilot, beta: Tensor) -> Tensor:
    """Step sizes (T + 1, n) for inverse temperatures ``beta`` (T + 1, n), interpolated between the pilot's."""
    return interpolate(beta, pilot.knots, pilot.log_step).exp()
