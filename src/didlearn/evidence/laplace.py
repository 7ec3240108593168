"""The posterior near its mode as a Gaussian: a batched quasi-Newton search, and Gauss–Newton curvature there.

The curvature of −log p(z)p(x|z) is taken as I + JᵀFJ (F: Fisher information of the pixels, 1/σ² for Gaussian ones), so
no eigenvalue is below the prior's. Everything here depends on x alone, never on a latent that x was made from:
bidirectional bounds need that.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from didlearn.errors import ModelError
from didlearn.evidence.likelihood import Likelihood

_DRAWS = 64
_STARTS = 16
# A search keeps a d × d matrix for each start: no more than so many numbers for one image.
_ROOM = 2**19
_FLATTER = 0.5
_LONGEST = 3.0


class Laplace(NamedTuple):
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


class Search(NamedTuple):
    """Where a search stands: positions (n, k, d), log joint (n, k), gradients, inverse curvatures (n, k, d, d)."""

    position: Tensor
    value: Tensor
    gradient: Tensor
    inverse: Tensor


def fit_laplace(likelihood: Likelihood, generator: torch.Generator, evaluations: int) -> Laplace:
    """Search the mode from the best of ``_DRAWS`` prior draws, then fit the curvature.

    Three quarters of ``evaluations`` are spent from the best draws side by side, the rest from the best
    result in the coordinates of its own Gauss–Newton curvature.

    Raises:
        ModelError: no draw has a finite likelihood.
    """
    first = best_draws(likelihood, generator)
    used = max(1, evaluations * 3 // 4)
    wide, spent = climb(likelihood, first, None, used)
    mode = _best(wide)
    precision = _laplace_precision(likelihood, mode)
    inverse = torch.linalg.inv(precision)[:, None]
    narrow, more = climb(likelihood, mode[:, None], inverse, evaluations - used)
    mode = _best(narrow)
    modes, shares = _ends(wide, narrow)
    precision = _laplace_precision(likelihood, mode)
    return Laplace(mode, precision, modes, shares, spent + more, 2 * likelihood.latent_size)


def _ends(wide: Search, narrow: Search) -> tuple[Tensor, Tensor]:
    """Order the ends of all searches, the refined one in place of the one it started from."""
    order = wide.value.argsort(dim=1, descending=True)
    modes = wide.position.gather(1, order[..., None].expand_as(wide.position))
    value = wide.value.gather(1, order)
    modes = torch.cat([narrow.position, modes[:, 1:]], dim=1)
    value = torch.cat([narrow.value, value[:, 1:]], dim=1)
    return modes, torch.softmax(_FLATTER * value, dim=1)


def best_draws(likelihood: Likelihood, generator: torch.Generator) -> Tensor:
    """Return the likeliest of ``_DRAWS`` prior draws for each image: (n, k, d), k up to ``_STARTS``, less for large d.

    Raises:
        ModelError: no draw has a finite likelihood for some image.
    """
    d, n = likelihood.latent_size, len(likelihood.x)
    v = torch.randn((_DRAWS, d), generator=generator, dtype=torch.float64).to(likelihood.x.device)
    value = likelihood.value(v.expand(n, -1, -1)).nan_to_num(-torch.inf, posinf=-torch.inf)
    if (value.amax(dim=1) == -torch.inf).any():
        raise ModelError(
            f"{likelihood.decoder.model.name} gives no finite likelihood at any of {_DRAWS} prior draws; "
            "its output is NaN, or sigma is too small"
        )
    starts = max(1, min(_STARTS, _ROOM // d**2))
    return v[value.topk(starts, dim=1).indices]


def _best(search: Search) -> Tensor:
    index = search.value.argmax(dim=1)
    return search.position[torch.arange(len(index), device=index.device), index]


def _laplace_precision(likelihood: Likelihood, mode: Tensor) -> Tensor:
    """I + JᵀFJ at ``mode`` (n, d): (n, d, d).

    Raises:
        ModelError: it is not finite.
    """
    curvature = likelihood.curvature(mode)
    if not torch.isfinite(curvature).all():
        raise ModelError(f"the Jacobian of {likelihood.decoder.model.name} is not finite at the latent found")
    return curvature + torch.eye(curvature.shape[-1], dtype=torch.float64, device=curvature.device)


def climb(likelihood: Likelihood, start: Tensor, inverse: Tensor | None, evaluations: int) -> tuple[Search, int]:
    """Maximise log p(z) + log p(x|z) by BFGS with backtracking, all starts side by side, one evaluation a round.

    Args:
        start: (n, k, d). inverse: (n, k, d, d) guess at the inverse curvature; ``None``: found from the first step.
        evaluations: at most; fewer when every start has a Newton decrement below 1e-8.
    """
    n, k, d = start.shape
    value, gradient = _joint(likelihood, start)
    eye = torch.eye(d, dtype=torch.float64, device=start.device)
    fresh = torch.full((n, k), inverse is None, device=start.device)
    search = Search(start, value, gradient, eye.expand(n, k, d, d).clone() if inverse is None else inverse)
    length = torch.ones((n, k), dtype=torch.float64, device=start.device)
    for spent in range(1, evaluations):
        direction = _times(search.inverse, search.gradient)
        slope = (direction * search.gradient).sum(-1)
        if (slope < 1e-8).all():
            return search, spent
        shorten = (_LONGEST / direction.norm(dim=-1).clamp(min=1e-300)).clamp(max=1.0)
        move = (length * shorten)[..., None] * direction
        there = search.position + move
        value, gradient = _joint(likelihood, there)
        better = value > search.value + 1e-4 * length * shorten * slope
        inverse = _update(search, move, search.gradient - gradient, better, better & fresh)
        wide = better[..., None]
        search = Search(
            torch.where(wide, there, search.position),
            torch.where(better, value, search.value),
            torch.where(wide, gradient, search.gradient),
            inverse,
        )
        fresh &= ~better
        length = torch.where(better, 1.0, length * 0.3)
    return search, evaluations


def _joint(likelihood: Likelihood, v: Tensor) -> tuple[Tensor, Tensor]:
    value, gradient = likelihood(v)
    value = (value - v.square().sum(-1) / 2).nan_to_num(-torch.inf, posinf=-torch.inf)
    return value, (gradient - v).nan_to_num(0.0, posinf=0.0, neginf=0.0)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None])[..., 0]


def _update(search: Search, s: Tensor, y: Tensor, better: Tensor, fresh: Tensor) -> Tensor:
    """Return the inverse curvatures after the BFGS update, where the step was taken and the curvature is positive.

    H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ with ρ = 1/sᵀy; before the first update H is sᵀy/yᵀy.
    """
    sy = (s * y).sum(-1)
    good = better & (sy > 1e-12)
    rho = torch.where(good, 1 / torch.where(good, sy, 1.0), 0.0)[..., None, None]
    first = (sy / (y * y).sum(-1).clamp(min=1e-300))[..., None, None] * torch.eye(s.shape[-1]).to(s)
    H = torch.where((good & fresh)[..., None, None], first, search.inverse)
    Hy = _times(H, y)
    cross = s[..., :, None] * Hy[..., None, :]
    inner = ((y * Hy).sum(-1))[..., None, None]
    outer = s[..., :, None] * s[..., None, :]
    return H - rho * (cross + cross.transpose(-1, -2)) + (rho.square() * inner + rho) * outer
