"""``DiffusionModel`` and ``FlowModel``: deterministic sampling as a network from noise to image.

Both are ``nn.Module``s that ``open_model`` takes like any other: the latent is the noise that sampling starts from, of
the image's own shape. They bring their inverse (``encode``) and their density (``log_density``).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from didlearn.arrays import ImageShape
from didlearn.errors import ModelError, UsageError
from didlearn.models.diffusion.backwards import undo
from didlearn.models.diffusion.determinant import log_determinant
from didlearn.models.diffusion.grid import Spacing, Step, choose_steps, diffusion_steps, flow_steps
from didlearn.rng import Stream

Prediction = Literal["noise", "velocity", "image"]
Solver = Literal["euler", "heun"]
_PREDICTIONS: tuple[Prediction, ...] = ("noise", "velocity", "image")
_SOLVERS: tuple[Solver, ...] = ("euler", "heun")


@dataclass(frozen=True, eq=False)
class Density:
    """Log densities of n images under a sampler's own steps.

    Attributes:
        value: (n,) log p(x) in nats. standard_error: (n,) of the trace estimate, NaN with one probe.
        round_trip: (n,) the largest relative error of a step that was undone.
    """

    value: Tensor
    standard_error: Tensor
    round_trip: Tensor


class Transport(nn.Module):
    """x = start · z, and then one step after another.

    Args:
        network: (x, t) -> what it predicts, (n, C, H, W), of x (n, C, H, W) and times (n,).
        steps: from noise to image. image_shape: (C, H, W). value_range: what the images span.
        start: the size of the noise that sampling starts from. solver: ``"euler"``, or ``"heun"``, which asks the
            network at the end of each step too and takes the mean.
        probes: of the density's trace. krylov: dimension of its subspaces. passes: at most, to undo a step.
    """

    prior, classes = "normal", None
    estimated_density = True  # by a trace estimate

    def __init__(
        self,
        network: nn.Module,
        steps: Sequence[Step],
        image_shape: ImageShape,
        value_range: tuple[float, float] | None,
        *,
        start: float,
        solver: Solver,
        probes: int,
        krylov: int,
        passes: int,
    ) -> None:
        super().__init__()
        if solver not in _SOLVERS:
            raise UsageError(f"there is no solver {solver!r}; give one of {', '.join(_SOLVERS)}")
        for name, value in (("probes", probes), ("krylov", krylov), ("passes", passes)):
            if value < 1:
                raise UsageError(f"{name} is {value}; give at least 1")
        if not (math.isfinite(start) and start > 0):
            raise UsageError(f"start is {start}; give the size of the noise that sampling starts from, above 0")
        self.network, self.steps, self.solver, self.start = network, tuple(steps), solver, start
        self.probes, self.krylov, self.passes = probes, krylov, passes
        self.image_shape = self.latent_shape = tuple(image_shape)
        self.value_range = value_range
        self.schedule = _Schedule(self.steps)  # a child behind the network: its weights say what type it computes in

    def predict(self, x: Tensor, time: float, alpha: float) -> Tensor:
        """What the steps go along: f(x, t), flat (n, D) like ``x``."""
        del alpha
        return self._ask(x, time)

    def _ask(self, x: Tensor, time: float) -> Tensor:
        t = torch.full((len(x),), time, dtype=x.dtype, device=x.device)
        found = self.network(x.view(len(x), *self.image_shape), t)
        if not isinstance(found, Tensor) or found.numel() != x.numel():
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ModelError(
                f"the network predicted {got} of images {(len(x), *self.image_shape)} and times ({len(x)},)"
            )
        return found.reshape(len(x), -1)

    def advance(self, x: Tensor, step: Step) -> Tensor:
        """Take one step from x (n, D)."""
        slope = self.predict(x, step.time, step.alpha)
        ahead = step.scale * x + step.length * slope
        if self.solver == "euler" or step.next_time is None:
            return ahead
        slope = (slope + self.predict(ahead, step.next_time, step.next_alpha)) / 2
        return step.scale * x + step.length * slope

    def forward(self, z: Tensor) -> Tensor:
        """Images (n, C, H, W) of noise (n, C, H, W)."""
        x = self.start * z.flatten(1)
        for step in self.steps:
            x = self.advance(x, step)
        return x.view(len(z), *self.image_shape)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the noise (n, C, H, W) that images (n, C, H, W) are made from, each step undone in turn."""
        path, _ = self._back(x.flatten(1))
        return (path[-1] / self.start).view(len(x), *self.image_shape)

    def _back(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the states (n, D) from image to noise, and the largest relative error of a step (n,)."""
        path, worst = [x], torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for step in reversed(self.steps):
            before, error = undo(partial(self.advance, step=step), step.scale, path[-1], path[-1], self.passes)
            path.append(before)
            worst = torch.maximum(worst, error)
        return path, worst

    def log_density(self, x: Tensor) -> Tensor:
        """Log p(x) in nats, (n,), of images (n, C, H, W) in the units of ``value_range``; see ``density``."""
        return self.density(x).value

    def density(self, x: Tensor) -> Density:
        """Return the log density of the sampler's own map z -> x: log N(z) − log |det ∂x/∂z|.

        The determinant is that of the steps as they are taken, each by ``log_determinant``; as they grow short it
        becomes the integral of the trace (Chen et al. 2018, Song et al. 2021). Probes are drawn from the image's own
        pixels, so that a density does not depend on what is beside it.
        """
        flat = x.flatten(1)
        path, worst = self._back(flat)
        signs = _probes(flat, self.probes, len(self.steps))
        D = flat.shape[1]
        logs = torch.zeros((len(x), self.probes), dtype=torch.float64, device=x.device)
        for i, (step, before) in enumerate(zip(reversed(self.steps), path[1:], strict=True)):
            logs += log_determinant(partial(self.advance, step=step), step.scale, before, signs[i], self.krylov)
        z = path[-1].double() / self.start
        normal = -0.5 * z.square().sum(dim=1) - D / 2 * math.log(2 * math.pi)
        each = normal[:, None] - logs - D * math.log(self.start)
        error = each.std(dim=1) / math.sqrt(self.probes) if self.probes > 1 else torch.full_like(normal, math.nan)
        return Density(each.mean(dim=1), error, worst)


class _Schedule(nn.Module):
    """The steps as a buffer, so that two samplers of one network are told apart by their weights."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        super().__init__()
        rows = [(step.scale, step.length, step.time) for step in steps]
        self.register_buffer("rows", torch.tensor(rows, dtype=torch.float64))


def _probes(x: Tensor, probes: int, steps: int) -> Tensor:
    """Return random signs (steps, n, P, D) in float64, drawn for each image from its own pixels."""
    drawn = []
    for row in x.detach().cpu().numpy():
        name = hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).hexdigest()
        bits = torch.randint(2, (steps, probes, x.shape[1]), generator=Stream(0, ("probes",)).torch(name))
        drawn.append(bits.double() * 2 - 1)
    return torch.stack(drawn, dim=1).to(x.device)


class DiffusionModel(Transport):
    """DDIM without noise (Song, Meng & Ermon 2021): the probability-flow ODE of a diffusion model in a few steps.

    Args:
        network: (x, t) -> what it predicts of x (n, C, H, W) at times (n,).
        alphas: (T,) cumulated products ᾱ, falling with the index. times: (T,) what the network is told at each; the
            index where not given.
        steps: how many, spread over ``alphas`` as ``spacing`` says; or the indices themselves, noise first.
        end: ᾱ after the last index, where the network is not asked again (diffusers: 1, or ``alphas[0]``).
        prediction: of the network, ``"noise"``, ``"velocity"`` (√ᾱ ε − √(1 − ᾱ) x₀) or ``"image"``.
        image_shape, value_range, start, solver, probes, krylov, passes: see ``Transport``.

    Raises:
        UsageError: an argument cannot be used.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        alphas: Tensor | Sequence[float],
        image_shape: ImageShape,
        value_range: tuple[float, float] | None = (-1, 1),
        steps: int | Sequence[int] = 20,
        times: Tensor | Sequence[float] | None = None,
        spacing: Spacing = "snr",
        end: float | None = None,
        prediction: Prediction = "noise",
        start: float = 1.0,
        solver: Solver = "euler",
        probes: int = 2,
        krylov: int = 4,
        passes: int = 60,
    ) -> None:
        if prediction not in _PREDICTIONS:
            raise UsageError(f"a network predicts one of {', '.join(_PREDICTIONS)}; got {prediction!r}")
        levels = _numbers(alphas)
        told = np.arange(len(levels), dtype=float) if times is None else _numbers(times)
        if len(told) != len(levels):
            raise UsageError(f"there are {len(levels)} alphas and {len(told)} times; give one for each")
        chosen = choose_steps(levels, steps, spacing) if isinstance(steps, int) else [int(i) for i in steps]
        if not chosen or min(chosen) < 0 or max(chosen) >= len(levels):
            raise UsageError(
                f"the steps {chosen[:4]} … are indices of alphas: give numbers from 0 to {len(levels) - 1}"
            )
        taken = diffusion_steps([float(levels[i]) for i in chosen], [float(told[i]) for i in chosen], end)
        super().__init__(
            network, taken, image_shape, value_range, start=start, solver=solver, probes=probes, krylov=krylov,
            passes=passes,
        )  # fmt: skip
        self.prediction = prediction

    def predict(self, x: Tensor, time: float, alpha: float) -> Tensor:
        """The noise in x (n, D)."""
        found = self._ask(x, time)
        if self.prediction == "noise":
            return found
        if self.prediction == "velocity":
            return math.sqrt(alpha) * found + math.sqrt(1 - alpha) * x
        return (x - math.sqrt(alpha) * found) / math.sqrt(1 - alpha)


class FlowModel(Transport):
    """A flow dx/dt = f(x, t) from noise to image, as rectified flow and flow matching learn it.

    Args:
        network: (x, t) -> the velocity dx/dt of x (n, C, H, W) at times (n,).
        steps: how many, evenly from ``times[0]`` (noise) to ``times[-1]`` (image), where no more times are given.
        times: the two ends, (0, 1) as the papers have it or (1, 0) as diffusers does, or every time that is stopped at.
        image_shape, value_range, start, solver, probes, krylov, passes: see ``Transport``.

    Raises:
        UsageError: an argument cannot be used.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        image_shape: ImageShape,
        value_range: tuple[float, float] | None = (-1, 1),
        steps: int = 20,
        times: Tensor | Sequence[float] = (0.0, 1.0),
        start: float = 1.0,
        solver: Solver = "euler",
        probes: int = 2,
        krylov: int = 4,
        passes: int = 60,
    ) -> None:
        stops = _numbers(times)
        if len(stops) == 2:
            if steps < 1:
                raise UsageError(f"{steps} steps lead nowhere; give at least 1")
            stops = np.linspace(stops[0], stops[1], steps + 1)
        super().__init__(
            network, flow_steps([float(t) for t in stops]), image_shape, value_range, start=start, solver=solver,
            probes=probes, krylov=krylov, passes=passes,
        )  # fmt: skip


def _numbers(values: Tensor | Sequence[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    found = values.detach().cpu().double().numpy() if isinstance(values, Tensor) else np.asarray(values, dtype=float)
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all():
        raise UsageError(f"a schedule is a row of at least two finite numbers; got the shape {found.shape}")
    return found
