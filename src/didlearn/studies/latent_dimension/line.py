"""The error along the straight line from where a search began to where it ended (Pinetz et al. 2019, Figure 2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import Flags, Floats, Singles
from didlearn.inversion.target import Target, draw_starts
from didlearn.models.base import LatentModel
from didlearn.rng import Stream
from didlearn.statistics.intervals import clopper_pearson
from didlearn.studies.study import StudyRow

PLACES = np.linspace(-0.25, 1.25, 31)  # of z0 + t (z* - z0)
_BAND = (0.1, 0.9)
_RISE = 1e-3  # of the error at the start: what rises by less does not rise


class ErrorsAlong(NamedTuple):
    """Mean squared errors (n, places) of n images along their lines, at ``places`` (t,), 0 the start and 1 the end."""

    places: Floats
    errors: Floats


def first_starts(model: LatentModel, images: Singles, draws: int, seed: int, device: str) -> torch.Tensor:
    """Return the latents (n, d) at which ``invert`` with this seed begins: of its prior draws the nearest to each."""
    target = Target(model, torch.from_numpy(images).flatten(1).to(device))
    return target.nearest(draw_starts(model, draws, Stream(seed, ("invert", "draws")), device), 1)[:, 0]


@torch.no_grad()
def errors_along(model: LatentModel, images: Singles, start: torch.Tensor, end: torch.Tensor) -> ErrorsAlong:
    """Return the errors of images (n, C, H, W) on the lines from start (n, d) to end (n, d)."""
    x = torch.from_numpy(images).to(start.device)
    columns = []
    for t in PLACES:
        made = model.decode(torch.lerp(start, end, float(t)).view(-1, *model.latent_shape))
        columns.append((made - x).double().square().flatten(1).mean(dim=1).cpu().numpy())
    return ErrorsAlong(PLACES, np.stack(columns, axis=1))


def line(
    model: LatentModel, images: Singles, latents: Singles, draws: int, seed: int, device: str, level: float = 0.95
) -> StudyRow:
    """Return what a row keeps of the errors between the search's first start and the ``latents`` it found.

    Returns:
        ``at``: places. ``mean``, ``low``, ``high``: over images, with the 10 % and 90 % quantiles. ``barrier``: share
        of images whose error rises above the start's on the way, with its interval.
    """
    start = first_starts(model, images, draws, seed, device)
    end = torch.from_numpy(latents).flatten(1).to(start)
    places, errors = errors_along(model, images, start, end)
    low, high = np.quantile(errors, _BAND, axis=0)
    climbs = int(rises(places, errors).sum())
    return {
        "at": places.tolist(), "mean": errors.mean(axis=0).tolist(), "low": low.tolist(), "high": high.tolist(),
        "barrier": [climbs / len(errors), *clopper_pearson(climbs, len(errors), level)],
    }  # fmt: skip


def rises(places: Floats, errors: Floats) -> Flags:
    """Return (n,) whether an image's errors (n, places) rise above the start's somewhere between start and end."""
    start = errors[:, int(np.argmin(np.abs(places)))]
    found: Flags = errors[:, (places > 0) & (places < 1)].max(axis=1) > (1 + _RISE) * start
    return found
