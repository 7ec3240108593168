"""Where a search begins: the best of many draws from the prior, decoded once for all images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from didlearn.errors import ModelError
from didlearn.parallel import UNIT


@dataclass(frozen=True)
class Draws:
    """Latents drawn from the prior, with what the decoder makes of them.

    Attributes:
        z: (N, d). outputs: (N, m), 0 where they are not finite; ``finite``: (N,) where they are.
        labels: (N,) the class each was decoded under, or ``None``.
    """

    z: Tensor
    outputs: Tensor
    finite: Tensor
    labels: Tensor | None

    def nearest(self, distance: Tensor, labels: Tensor | None, count: int) -> Tensor:
        """Return the ``count`` draws of the least distance (n, N) to each of n rows, least first: (n, count, d).

        Only draws of a row's own class, one of ``labels`` (n,), and with finite outputs take part.
        """
        distance = distance.masked_fill(~self.finite, torch.inf)
        if labels is not None and self.labels is not None:
            distance = distance.masked_fill(labels[:, None] != self.labels, torch.inf)
        return self.z[distance.topk(count, dim=1, largest=False).indices]


def decode_draws(
    z: Tensor, decode: Callable[[Tensor, Tensor | None], Tensor], classes: Tensor | None, name: str
) -> Draws:
    """Decode draws z (N, d), under each of the ``classes`` if there are any, to outputs (N, m).

    Raises:
        ModelError: no draw's output is finite.
    """
    labels = None if classes is None else classes.repeat_interleave(len(z))
    z = z if classes is None else z.repeat(len(classes), 1)
    with torch.no_grad():
        parts = [decode(z[i], None if labels is None else labels[i]) for i in torch.arange(len(z)).split(UNIT)]
    outputs = torch.cat(parts)
    finite = torch.isfinite(outputs).all(dim=1)
    if not finite.any():
        raise ModelError(f"{name} made NaN or infinite pixels of all {len(z)} prior draws")
    return Draws(z, torch.where(finite[:, None], outputs, torch.zeros((), device=z.device)), finite, labels)
