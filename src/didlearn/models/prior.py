"""The distribution of latents: standard normal, uniform on [-1, 1], or any torch ``Distribution``."""

from __future__ import annotations

import math
import threading

import torch
from torch.distributions import Distribution, Independent

from didlearn.errors import ModelError, UsageError, first_line
from didlearn.models.base import LatentModel
from didlearn.models.drawing import blocks_of
from didlearn.parallel import UNIT
from didlearn.rng import Stream, named_noise

Prior = str | Distribution
_NAMES = ("normal", "uniform")
# torch's distributions draw from the global generator: one at a time.
_GLOBAL = threading.Lock()


def check_prior(prior: object) -> Prior:
    """Return ``prior`` if it is one.

    Raises:
        UsageError: it is neither a known name nor a torch Distribution.
    """
    if isinstance(prior, Distribution) or (isinstance(prior, str) and prior in _NAMES):
        return prior
    raise UsageError(f'the prior is {prior!r}; give "normal", "uniform" (on [-1, 1]) or a torch Distribution')


def prior_of(model: LatentModel) -> Prior | None:
    """Return the prior that a model declares, over single coordinates where these are independent.

    A model that does not say has a normal one if its density is that, and else ``None``.
    """
    prior: Prior | None = getattr(model, "prior", None)
    while isinstance(prior, Independent):
        prior = prior.base_dist
    if prior is not None:
        return prior
    z = model.sample_prior(4, Stream(0, ("likelihood", "prior")))
    same = torch.allclose(model.log_prior(z).double(), log_density("normal", z.double()), rtol=1e-3, atol=1e-2)
    return "normal" if same else None


def prior_shape(prior: Prior) -> tuple[int, ...] | None:
    """Return the shape of one draw, or ``None`` where the prior fits any latent shape."""
    if isinstance(prior, str):
        return None
    return tuple(prior.batch_shape + prior.event_shape) or None


def sample_latents(prior: Prior, shape: tuple[int, ...], count: int, rng: Stream, first: int = 0) -> torch.Tensor:
    """Draw (count, *shape) float32 latents in blocks of ``UNIT``; latent ``i`` depends on ``rng`` and ``i`` alone.

    ``first`` is the number of the first of them, a multiple of ``UNIT``.

    Raises:
        ModelError: the distribution draws another shape, or fails.
    """
    blocks = [_block(prior, shape, rng, block) for block in blocks_of(count, first)]
    return torch.cat(blocks)[:count]


def _block(prior: Prior, shape: tuple[int, ...], rng: Stream, block: int) -> torch.Tensor:
    if isinstance(prior, Distribution):
        return _from_distribution(prior, shape, rng.child("latents", block))
    generator = rng.torch("latents", block)
    if prior == "normal":
        return torch.randn((UNIT, *shape), generator=generator)
    return torch.rand((UNIT, *shape), generator=generator) * 2 - 1


def _from_distribution(prior: Distribution, shape: tuple[int, ...], rng: Stream) -> torch.Tensor:
    one = prior_shape(prior)
    if one is not None and one != shape:
        raise ModelError(f"the prior draws latents of shape {one}, but the model takes {shape}")
    size = torch.Size((UNIT,) if one else (UNIT, *shape))
    with _GLOBAL, named_noise(rng, "cpu"):
        try:
            return prior.sample(size).to("cpu", torch.float32)
        except Exception as error:
            raise ModelError(f"the prior cannot be drawn from: {first_line(error)}") from error


def log_density(prior: Prior, z: torch.Tensor) -> torch.Tensor:
    """Return log p(z) in nats, (n,), of latents (n, *shape).

    Normal: −‖z‖²/2 − (d/2) log 2π. Uniform on [−1, 1]: −d log 2 inside, −∞ outside. Independent coordinates of a
    Distribution are summed.
    """
    if isinstance(prior, Distribution):
        return prior.log_prob(z).reshape(len(z), -1).sum(dim=1)
    flat = z.reshape(len(z), -1)
    d = flat.shape[1]
    if prior == "normal":
        return -flat.square().sum(dim=1) / 2 - d / 2 * math.log(2 * math.pi)
    inside = (flat.abs() <= 1).all(dim=1)
    return torch.where(inside, flat.new_full((), -d * math.log(2)), flat.new_full((), -math.inf))
