"""What annealing costs, in arithmetic: counted on one latent, so that every machine decides alike."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

_OF_A_PASS = 1.5  # times decoding: a gradient is a pass forwards and one backwards, and that is twice as dear


@torch.no_grad()
def decoding_operations(model: LatentModel, device: str) -> int:
    """Return the multiplications and additions of convolutions and products that one latent's decoding takes."""
    z = model.sample_prior(1, Stream(0, ("cost",))).to(device)
    labels = None if model.classes is None else torch.zeros(1, dtype=torch.long, device=device)
    with FlopCounterMode(display=False) as counter:
        model.decode(z, labels)
    return int(counter.get_total_flops())


def annealing_work(model: LatentModel, effort: ChainEffort, groups: int, classes: int, device: str) -> float:
    """Return how many 10¹² operations the bounds of ``groups`` groups take, each under so many classes."""
    passes = effort.passes(1.75 * effort.images * groups)  # at a quarter, half and all of the budget
    return classes * passes * _OF_A_PASS * decoding_operations(model, device) / 1e12
