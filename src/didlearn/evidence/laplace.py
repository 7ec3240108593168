"""The posterior near its mode as a Gaussian: a batched quasi-Newton search, and Gauss–Newton curvature there.

The curvature of −log p(z)p(x|z) is taken as I + JᵀFJ (F: Fisher information of the pixels, 1/σ² for Gaussian ones), so
no eigenvalue is below the prior's. Everything here depends on x alone, never on a latent that x was made from:
bidirectional bounds need that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from didlearn.derivatives.curvature import Curvature, Dense
from didlearn.derivatives.descent import begin_descent, take_step
from didlearn.derivatives.domain import Domain
from didlearn.derivatives.starts import Draws
from didlearn.errors import ModelError
from didlearn.evidence.likelihood import Likelihood

_DRAWS = 64
_STARTS = 16
# A search keeps a d × d matrix for each start: no more than so many numbers for one image.
_ROOM = 2**19
_FLATTER = 0.5
_SETTLED = 1e-8


class LaplaceFit(NamedTuple):
    """A Gaussian fit to the posterior.

    Attributes:
        mean: (n, d) the best mode found. precision: (n, d, d) I + JᵀFJ there.
        modes: (n, k, d) where every search ended, the best one first. shares: (n, k) what each is worth,
            ∝ (p(z)p(x|z))^FLATTER, in sum 1.
        evaluations: gradient evaluations for each chain start, in sequence. columns: Jacobian columns for each image.
    """

    mean: Tensor
    precision: Tensor
    modes: Tensor
    shares: Tensor
    evaluations: int
    columns: int


class Ends(NamedTuple):
    """Where a search ended: positions (n, k, d), and the log joint log p(z)p(x|z) there, less a constant: (n, k)."""

    position: Tensor
    value: Tensor
    evaluations: int

    @property
    def best(self) -> Tensor:
        """(n, d) the likeliest position of each image."""
        index = self.value.argmax(dim=1)
        return self.position[torch.arange(len(index), device=index.device), index]


def fit_laplace(likelihood: Likelihood, generator: torch.Generator, evaluations: int) -> LaplaceFit:
    """Search the mode from the best of ``_DRAWS`` prior draws, then fit the curvature.

    Three quarters of ``evaluations`` are spent from the best draws side by side, the rest from the best
    result with its own Gauss–Newton curvature.

    Raises:
        ModelError: no draw has a finite likelihood.
    """
    first = likeliest_draws(likelihood, generator)
    used = max(1, evaluations * 3 // 4)
    wide = climb(likelihood, first, used)
    precision = _laplace_precision(likelihood, wide.best)
    narrow = climb(likelihood, wide.best[:, None], evaluations - used, Dense(precision.clone()))
    mode = narrow.best
    precision = _laplace_precision(likelihood, mode)
    modes, shares = _ranked(wide, narrow)
    return LaplaceFit(mode, precision, modes, shares, wide.evaluations + narrow.evaluations, 2 * likelihood.latent_size)


def _ranked(wide: Ends, narrow: Ends) -> tuple[Tensor, Tensor]:
    """Order the ends of all searches, the refined one in place of the one it started from."""
    order = wide.value.argsort(dim=1, descending=True)
    modes = wide.position.gather(1, order[..., None].expand_as(wide.position))
    value = wide.value.gather(1, order)
    modes = torch.cat([narrow.position, modes[:, 1:]], dim=1)
    value = torch.cat([narrow.value, value[:, 1:]], dim=1)
    return modes, torch.softmax(_FLATTER * value, dim=1)


def likeliest_draws(likelihood: Likelihood, generator: torch.Generator) -> Tensor:
    """Return the likeliest of ``_DRAWS`` prior draws for each image: (n, k, d), k up to ``_STARTS``, less for large d.

    Raises:
        ModelError: no draw has a finite likelihood for some image.
    """
    d, decoder = likelihood.latent_size, likelihood.decoder
    v = torch.randn((_DRAWS, d), generator=generator, dtype=torch.float64).to(likelihood.x.device)

    def distance(rows: Tensor, outputs: Tensor) -> Tensor:
        # Image by image: all of them against all draws would not fit where images are large.
        parts = [likelihood.observation.log_prob(outputs, x) for x in likelihood.x[rows].split(1)]
        return -torch.stack(parts)

    found = Draws(v).nearest(
        lambda points, labels: replace(decoder, labels=labels)(points.to(decoder.dtype)),
        distance,
        decoder.labels,
        len(likelihood.x),
        max(1, min(_STARTS, _ROOM // d**2)),
    )
    if not found.finite:
        raise ModelError(f"{decoder.model.name} made NaN or infinite pixels of all {_DRAWS} prior draws")
    if bool((found.distance == torch.inf).any()):
        raise ModelError(f"{decoder.model.name} gives no finite likelihood at any of {_DRAWS} prior draws")
    return found.z


def _laplace_precision(likelihood: Likelihood, mode: Tensor) -> Tensor:
    """I + JᵀFJ at ``mode`` (n, d): (n, d, d).

    Raises:
        ModelError: it is not finite.
    """
    curvature = likelihood.curvature(mode)
    if not torch.isfinite(curvature).all():
        raise ModelError(f"the Jacobian of {likelihood.decoder.model.name} is not finite at the latent found")
    return curvature + torch.eye(curvature.shape[-1], dtype=torch.float64, device=curvature.device)


def climb(likelihood: Likelihood, start: Tensor, evaluations: int, curvature: Curvature | None = None) -> Ends:
    """Maximise log p(z) + log p(x|z), all starts (n, k, d) side by side, one evaluation a round.

    Args:
        curvature: of −log p(z)p(x|z) at each start, (n·k, d, d); found from the first steps when ``None``.
        evaluations: at most; fewer when no start expects to gain more than ``_SETTLED`` nats by another.
    """
    n, k, d = start.shape

    def objective(z: Tensor) -> tuple[Tensor, Tensor]:
        value, gradient = likelihood(z.view(n, k, d))
        energy = z.square().sum(-1) / 2 - value.flatten()
        return energy.nan_to_num(torch.inf, torch.inf, torch.inf), (z - gradient.view(-1, d)).nan_to_num(0.0, 0.0, 0.0)

    at, spent = begin_descent(objective, start.reshape(n * k, d), curvature), 1
    while spent < evaluations and (at.promised > _SETTLED).any():
        at, spent = take_step(objective, at, Domain()), spent + 1
    return Ends(at.z.view(n, k, d), -at.value.view(n, k), spent)
