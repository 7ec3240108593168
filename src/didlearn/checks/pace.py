"""How long one image takes through a decoder, forwards or backwards: measured on one batch."""

from __future__ import annotations

import time

import torch

from didlearn.models.base import LatentModel
from didlearn.models.drawing import draw_labels
from didlearn.parallel import one_thread
from didlearn.rng import Stream

_TIMED = 16


def seconds_of_pass(model: LatentModel, device: str) -> float:
    """Return the seconds of one pass of one image on one thread: half of a forward and a backward pass of it."""
    with one_thread():
        _there_and_back(model, device, 1)  # the first call of a network is not like the others
        began = time.perf_counter()
        _there_and_back(model, device, _TIMED)
        return (time.perf_counter() - began) / (2 * _TIMED)


def _there_and_back(model: LatentModel, device: str, rows: int) -> None:
    rng = Stream(0, ("pace",))
    labels = draw_labels(rows, model.classes, None, rng)
    z = model.sample_prior(rows, rng).to(device).requires_grad_()
    with torch.enable_grad():
        images = model.decode(z, None if labels is None else torch.from_numpy(labels).to(device))
        if images.requires_grad:
            torch.autograd.grad(images.square().sum(), z, allow_unused=True)
    images.detach().flatten()[:1].cpu()  # waits for a device that works on its own
