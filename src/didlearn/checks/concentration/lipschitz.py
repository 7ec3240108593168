"""How fast a generator's images can change with its latent: an upper bound by its layers, a lower one by search."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from didlearn.arrays import Floats
from didlearn.checks.concentration.tracked import Tracked, track
from didlearn.errors import DidlearnError
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

_POWER_STEPS = 8
_STEP = 0.1  # of the latent's length


@dataclass(frozen=True)
class Upper:
    """An upper bound of ‖G(z) − G(z′)‖ / ‖z − z′‖.

    Attributes:
        value: the bound, or ``None``. layers: (what, factor, exact) in the order they ran. why: it is not known.
    """

    value: float | None
    layers: tuple[tuple[str, float, bool], ...]
    why: str = ""


@dataclass(frozen=True, eq=False)
class Lower:
    """Spectral norms of Jacobians.

    Attributes:
        prior: at prior draws, (n,). ascent: the greatest found from the best draws, after each step, (s + 1,).
        evaluations: passes through the decoder and back, all together.
    """

    prior: Floats
    ascent: Floats
    evaluations: int

    @property
    def value(self) -> float:
        """Return the greatest spectral norm found: the Lipschitz constant is no less."""
        return float(max(self.prior.max(), self.ascent.max()))


def lipschitz_upper(model: LatentModel, device: str = "cpu") -> Upper:
    """Return the product of the layers' norms, of the network as it is called, classes held fixed."""
    z = track(model.sample_prior(1, Stream(0)).to(device))
    labels = None if model.classes is None else torch.zeros(1, dtype=torch.long, device=device)
    try:
        with torch.no_grad():
            out = model.decode(z, labels)
    except (DidlearnError, RuntimeError, TypeError, NotImplementedError) as error:
        return Upper(None, tuple(z.trail.layers), f"its layers cannot be followed ({type(error).__name__})")
    trail = z.trail
    if trail.unknown:
        names = ", ".join(sorted(set(trail.unknown)))
        return Upper(None, tuple(trail.layers), f"no bound is known for {names}")
    if not isinstance(out, Tracked) or not hasattr(out, "bound"):
        return Upper(None, tuple(trail.layers), "its layers cannot be seen from outside (TorchScript, or own kernels)")
    if not math.isfinite(out.bound):
        return Upper(None, tuple(trail.layers), "its bound overflows")
    return Upper(out.bound, tuple(trail.layers))


def lipschitz_lower(
    model: LatentModel, draws: int, starts: int, steps: int, rng: Stream, device: str = "cpu", batch: int = 32
) -> Lower:
    """Return spectral norms of the Jacobian at prior draws, and after ascending from the steepest of them.

    ½ ‖Jᵀu‖² has the gradient J Jᵀ u in u, a power iteration, and one in z that leads to where images change faster;
    both come from one backward pass through a backward pass.

    Args:
        model: the generator. draws: from the prior. starts: of them are followed uphill, for ``steps`` steps.
        rng: of the draws and the first directions. device: of the work. batch: latents at once.
    """
    z = model.sample_prior(draws, rng.child("latents")).to(device).flatten(1)
    labels = None
    if model.classes is not None:
        labels = (torch.arange(draws) % model.classes).to(device)
    found = [
        _norms(model, part, None if labels is None else labels[i * batch : (i + 1) * batch], rng.torch("u", i))
        for i, part in enumerate(z.split(batch))
    ]
    prior, u = torch.cat([norm for norm, _ in found]), torch.cat([direction for _, direction in found])
    best = prior.argsort(descending=True)[:starts]
    ascent = _climb(model, z[best], None if labels is None else labels[best], u[best], steps)
    return Lower(prior.cpu().numpy().astype(np.float64), ascent, draws * _POWER_STEPS + len(best) * steps)


def _norms(
    model: LatentModel, z: torch.Tensor, labels: torch.Tensor | None, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return σ₁(J) at each latent (n, d) by power iteration, and its left singular vector (n, D)."""
    with torch.no_grad():
        width = _flat(model, z[:1], labels).shape[1]
    u = torch.randn(len(z), width, generator=generator).to(z)
    norm = torch.zeros(len(z), device=z.device)
    for _ in range(_POWER_STEPS):
        norm, u, _ = _step(model, z, labels, u)
    return norm, u


def _step(
    model: LatentModel, z: torch.Tensor, labels: torch.Tensor | None, u: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ‖Jᵀu‖ for u of unit length, the next u, and the gradient of ½ ‖Jᵀu‖² in z."""
    u = torch.nn.functional.normalize(u, dim=1).requires_grad_()
    z = z.detach().requires_grad_()
    with torch.enable_grad():
        images = _flat(model, z, labels)
        if not images.requires_grad:  # it ignores its latent
            return torch.zeros(len(z), device=z.device), u.detach(), torch.zeros_like(z)
        (pulled,) = torch.autograd.grad(images, z, u, create_graph=True, materialize_grads=True)
        half = pulled.square().sum() / 2
        if not half.requires_grad:
            return pulled.norm(dim=1).detach(), u.detach(), torch.zeros_like(z)
        ahead, uphill = torch.autograd.grad(half, (u, z), materialize_grads=True)
    stuck = ahead.norm(dim=1, keepdim=True) == 0
    return pulled.norm(dim=1).detach(), torch.where(stuck, u.detach(), ahead), uphill


def _climb(model: LatentModel, z: torch.Tensor, labels: torch.Tensor | None, u: torch.Tensor, steps: int) -> Floats:
    """Move latents uphill by a fraction of the prior's length that shrinks; return the greatest norm so far."""
    length = _STEP * math.sqrt(z.shape[1])
    best = 0.0
    trace = []
    for i in range(steps + 1):
        norm, u, uphill = _step(model, z, labels, u)
        best = max(best, float(norm.max()))
        trace.append(best)
        z = z + length * (1 - i / (steps + 1)) * torch.nn.functional.normalize(uphill, dim=1)
    return np.array(trace)


def _flat(model: LatentModel, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    shaped = z.view(len(z), *model.latent_shape)
    return model.decode(shaped, None if labels is None else labels[: len(z)]).flatten(1)
