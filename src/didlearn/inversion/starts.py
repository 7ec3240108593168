"""Where the search begins: the prior draws whose images are nearest to each target."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from didlearn.errors import ModelError
from didlearn.inversion.target import Target
from didlearn.models.base import LatentModel
from didlearn.parallel import UNIT
from didlearn.rng import Stream


@dataclass(frozen=True)
class Draws:
    """Latents drawn from the prior, with their images described as the targets are.

    Attributes:
        z: (N, d). features: (N, m). labels: (N,) or ``None``.
    """

    z: torch.Tensor
    features: torch.Tensor
    labels: torch.Tensor | None

    def nearest(self, target: Target, count: int) -> torch.Tensor:
        """Return the latents (n, count, d) of the nearest draws of each row's class, nearest first."""
        distance = torch.cdist(target.x, self.features)
        if self.labels is not None and target.labels is not None:
            distance.masked_fill_(target.labels[:, None] != self.labels, torch.inf)
        return self.z[distance.topk(count, dim=1, largest=False).indices]


def draw_starts(target: Target, count: int, classes: int | None, rng: Stream, device: str) -> Draws:
    """Decode ``count`` prior draws (of every class, where there are classes), the same for every target.

    Raises:
        ModelError: no draw's image is finite.
    """
    model: LatentModel = target.model
    z = model.sample_prior(count, rng).flatten(1).to(device)
    labels = None if classes is None else torch.arange(classes, device=device).repeat_interleave(count)
    if classes is not None:
        z = z.repeat(classes, 1)
    features = torch.cat([_described(target, z, labels, rows) for rows in torch.arange(len(z)).split(UNIT)])
    finite = torch.isfinite(features).all(dim=1)
    if not finite.any():
        raise ModelError(
            f"{model.name} made NaN or infinite pixels of all {len(z)} prior draws; nothing can be inverted"
        )
    return Draws(z, torch.where(finite[:, None], features, torch.full((), 1e18, device=device)), labels)


def _described(target: Target, z: torch.Tensor, labels: torch.Tensor | None, rows: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        chosen = None if labels is None else labels[rows]
        one = Target(target.model, target.x[:0], chosen, target.embedding)
        return one.describe(one.decode(z[rows]))
