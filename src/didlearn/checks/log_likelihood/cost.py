"""What annealing costs, in arithmetic: counted on one latent, so that every machine decides alike."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from didlearn.checks.log_likelihood.effort import FEW, SIGMAS_TRIED, ChainEffort
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

_BACK = 3  # times a forward pass: a gradient


@torch.no_grad()
def decoding_operations(model: LatentModel, device: str) -> int:
    """Return the multiplications and additions of convolutions and products that one latent's decoding takes."""
    z = model.sample_prior(1, Stream(0, ("cost",))).to(device)
    labels = None if model.classes is None else torch.zeros(1, dtype=torch.long, device=device)
    with FlopCounterMode(display=False) as counter:
        model.decode(z, labels)
    return int(counter.get_total_flops())


def annealing_work(model: LatentModel, effort: ChainEffort, groups: int, device: str) -> float:
    """Return how many 10¹² operations the bounds of ``groups`` groups take, with what σ and both bounds take."""
    chains = effort.chains * max(model.classes or 1, 1)
    each = effort.images * groups * 1.75 + effort.images  # at a quarter, half and all of the budget; and both bounds
    if effort.sigma is None:
        each += FEW * SIGMAS_TRIED / 2
    return each * chains * effort.budget * _BACK * decoding_operations(model, device) / 1e12
