"""How likely a model finds images, for a row of a study: annealed importance sampling with few chains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from didlearn.arrays import Floats, Singles
from didlearn.evidence.bdmc import bdmc
from didlearn.evidence.log_evidence import log_evidence
from didlearn.models.base import LatentModel

CHAINS = 4  # for each image


class AnnealedBounds(NamedTuple):
    """Lower bounds (n,) on log p_σ(x) of images in nats, and how far both bounds lie apart on n of the model's own.

    Of real images no upper bound is known: ``gap`` (n,), by bidirectional Monte Carlo with as much effort, says how
    loose the bounds are where that can be known.
    """

    lower: Floats
    gap: Floats


def annealed_bounds(
    model: LatentModel, images: Singles, sigma: float, budget: int, seed: int, device: str
) -> AnnealedBounds:
    """Bound the log-likelihood of images (n, C, H, W), n at least 2, with ``budget`` gradients a chain."""
    found = log_evidence(model, images, sigma, seed, CHAINS, budget=budget, device=device, threads=1)
    both = bdmc(model, sigma, len(images), seed, CHAINS, budget=budget, device=device, threads=1)
    return AnnealedBounds(np.asarray(found.lower, dtype=np.float64), both.upper - both.lower)
