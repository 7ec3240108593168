"""Where deterministic sampling stops on its way from noise to the image, and one step of it.

A step is x′ = scale · x + length · f(x, time), with f the noise or the velocity that the network predicts. For DDIM
(Song et al. 2021) with ᾱ the cumulated product of the schedule, scale = √(ᾱ′/ᾱ) and
length = √(1 − ᾱ′) − scale √(1 − ᾱ): an Euler step of the probability-flow ODE in √((1 − ᾱ)/ᾱ). For a
flow dx/dt = f(x, t) it is an Euler step in t: scale = 1 and length = t′ − t.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from didlearn.arrays import Floats
from didlearn.errors import UsageError

Spacing = Literal["uniform", "snr"]
_LEAST = 1e-10  # cumulated product: below, nothing of the image is left to be found again


@dataclass(frozen=True)
class Step:
    """x′ = scale · x + length · f(x, time).

    Attributes:
        scale, length: see above. time: what the network is told at x, and ``alpha``: the cumulated product there.
        next_time, next_alpha: the same at x′; ``None`` and 1 where the network is not asked there.
    """

    scale: float
    length: float
    time: float
    alpha: float = 1.0
    next_time: float | None = None
    next_alpha: float = 1.0


def diffusion_steps(alphas: Sequence[float], times: Sequence[float], end: float | None) -> tuple[Step, ...]:
    """Return DDIM's steps through cumulated products ``alphas`` at the network's ``times``, and to ``end`` if given.

    Raises:
        UsageError: the products do not rise towards the image, or do not lie between 0 and 1.
    """
    whole: list[tuple[float, float | None]] = list(zip(alphas, times, strict=True))
    if end is not None:
        whole.append((end, None))
    values = [alpha for alpha, _ in whole]
    if len(values) < 2 or any(b <= a for a, b in itertools.pairwise(values)) or not (0 < values[0] < values[-1] <= 1):
        raise UsageError(
            f"the steps go through cumulated products {_few(values)}; they must lie in (0, 1] and rise from noise to "
            "the image: give `alphas` that fall with the index, and steps from the last index to the first"
        )
    steps = []
    for (alpha, time), (ahead, after) in itertools.pairwise(whole):
        assert time is not None
        scale = math.sqrt(ahead / alpha)
        length = math.sqrt(1 - ahead) - scale * math.sqrt(1 - alpha)
        steps.append(Step(scale, length, time, alpha, after if ahead < 1 else None, ahead))
    return tuple(steps)


def flow_steps(times: Sequence[float]) -> tuple[Step, ...]:
    """Return Euler's steps from the first of the times, where the noise is, to the last, where the image is.

    Raises:
        UsageError: there are fewer than two, or two in a row are equal.
    """
    if len(times) < 2 or not all(math.isfinite(t) for t in times) or any(a == b for a, b in itertools.pairwise(times)):
        raise UsageError(f"the times are {_few(times)}; give at least two, from that of the noise to that of the image")
    return tuple(Step(1.0, b - a, a, next_time=b) for a, b in itertools.pairwise(times))


def choose_steps(alphas: Floats, steps: int, spacing: Spacing) -> list[int]:
    """Return ``steps`` + 1 indices of ``alphas``, from noise to image, evenly spaced in the index or in log σ.

    σ = √((1 − ᾱ)/ᾱ) is the noise beside an image of unit size: even steps in its logarithm are the easier to undo.

    Raises:
        UsageError: there are not so many, or nothing is known of the spacing.
    """
    if spacing not in ("uniform", "snr"):
        raise UsageError(f'the spacing is {spacing!r}; give "uniform" (of the steps) or "snr" (of the noise)')
    usable = np.flatnonzero((alphas >= _LEAST) & (alphas < 1))
    if steps < 1 or len(usable) <= steps:
        raise UsageError(f"{steps} steps cannot be taken between {len(usable)} noise levels; give between 1 and that")
    if spacing == "uniform":
        return [int(i) for i in np.rint(np.linspace(usable[-1], usable[0], steps + 1))]
    log_sigma = 0.5 * np.log((1 - alphas[usable]) / alphas[usable])
    wanted = np.linspace(log_sigma[-1], log_sigma[0], steps + 1)
    nearest = [int(usable[np.abs(log_sigma - value).argmin()]) for value in wanted]
    return list(dict.fromkeys(nearest))


def _few(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.3g}" for value in values[:4])
    return f"({shown}, …, {values[-1]:.3g})" if len(values) > 4 else f"({shown})"
