"""The map that makes latents of a prior from standard normal numbers, where there is one.

z = T(v) with v ~ N(0, I) leaves p(x) as it is, so a search or a likelihood in v is one of the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
    Uniform,
)

from didlearn.models.prior import Prior

NormalMap = Callable[[Tensor], Tensor]
"""From standard normal numbers (n, *latent_shape) to latents of the same shape; differentiable."""
_EDGE = 1e-7  # probability that float32 tells from 0 and 1


def normal_map(prior: Prior | None) -> NormalMap | None:
    """Return the map of a prior; ``None`` where none is known.

    Known are normal and uniform latents, independent or not; transforms of such (log-normal); and every distribution
    of single coordinates with an ``icdf``, by T(v) = F⁻¹(Φ(v)): a truncated normal, for instance.
    """
    if isinstance(prior, str):
        return {"normal": _itself, "uniform": _to_box}.get(prior)
    if isinstance(prior, Independent):
        return normal_map(prior.base_dist)
    if isinstance(prior, Normal):
        return lambda v: prior.loc.to(v) + prior.scale.to(v) * v
    if isinstance(prior, Uniform):
        return partial(_between, prior.low, prior.high)
    if isinstance(prior, MultivariateNormal):
        return partial(_correlated, prior.loc, prior.scale_tril)
    if isinstance(prior, LowRankMultivariateNormal):
        return partial(_correlated, prior.loc, torch.linalg.cholesky(prior.covariance_matrix))
    if isinstance(prior, TransformedDistribution):
        return _transformed(prior)
    return _by_quantiles(prior) if isinstance(prior, Distribution) else None


def _itself(v: Tensor) -> Tensor:
    return v


def _to_box(v: Tensor) -> Tensor:
    return torch.erf(v / math.sqrt(2))


def _between(low: Tensor, high: Tensor, v: Tensor) -> Tensor:
    return low.to(v) + (high - low).to(v) * (1 + torch.erf(v / math.sqrt(2))) / 2


def _correlated(loc: Tensor, factor: Tensor, v: Tensor) -> Tensor:
    return loc.to(v) + (factor.to(v) @ v[..., None])[..., 0]


def _transformed(prior: TransformedDistribution) -> NormalMap | None:
    base = normal_map(prior.base_dist)
    if base is None:
        return None

    def apply(v: Tensor) -> Tensor:
        z = base(v).cpu()
        for transform in prior.transforms:
            z = transform(z)
        return z.to(v)

    return apply


def _by_quantiles(prior: Distribution) -> NormalMap | None:
    def apply(v: Tensor) -> Tensor:
        share = torch.special.ndtr(v).clamp(_EDGE, 1 - _EDGE)
        return prior.icdf(share.cpu()).to(v)

    if prior.event_shape:
        return None
    try:
        apply(torch.zeros(1, *prior.batch_shape))
    except Exception:  # noqa: BLE001 (a distribution without quantiles, or one of the user's own that fails)
        return None
    return apply
