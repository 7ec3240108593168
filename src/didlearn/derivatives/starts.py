"""Where a search begins: the best of many draws from the prior, decoded under the classes that are asked about alone.

The outputs of a class are kept where several searches ask for them and they fit, and decoded again where they do not:
a few at a time, so that no more than ``UNIT`` of them need be held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from didlearn.parallel import UNIT

Decode = Callable[[Tensor, Tensor | None], Tensor]
"""From points (n, d) and labels (n,), if there are classes, to outputs (n, m)."""
Distance = Callable[[Tensor, Tensor], Tensor]
"""From the numbers of some rows (k,) and outputs (n, m) to distances (k, n)."""
_KEPT_BYTES = 2**29


class Nearby(NamedTuple):
    """The nearest draws of each row.

    Attributes:
        z: (rows, count, d). distance: (rows,) of the first; infinity where no draw will do.
        finite: whether any draw's output was.
    """

    z: Tensor
    distance: Tensor
    finite: bool


@dataclass(frozen=True)
class Draws:
    """Latents z (N, d) drawn from the prior, and under some classes what the decoder makes of them.

    Attributes:
        z: (N, d). kept: outputs by class (``None``: the model has none), ``UNIT`` at a time.
    """

    z: Tensor
    kept: dict[int | None, list[Tensor]] = field(default_factory=dict)

    def keep(self, decode: Decode, classes: Iterable[int | None]) -> None:
        """Decode the draws under each of the classes for all who ask, if that fits into memory."""
        asked = list(classes)
        for label in asked:
            parts = []
            for part in self._decoded(decode, label):
                if len(asked) * len(self.z) * part[0].numel() * part.element_size() > _KEPT_BYTES:
                    return
                parts.append(part)
            self.kept[label] = parts

    def nearest(self, decode: Decode, distance: Distance, labels: Tensor | None, rows: int, count: int) -> Nearby:
        """Return for each of so many ``rows`` the ``count`` draws of the least distance, least first.

        Only draws decoded under a row's own class, one of ``labels`` (rows,), and with finite outputs take part.
        """
        everyone = torch.arange(rows, device=self.z.device)
        chosen = self.z.new_empty((rows, count, self.z.shape[1]))
        least = torch.full((rows,), torch.inf, dtype=torch.float64, device=self.z.device)
        seen = False
        for label in [None] if labels is None else labels.unique().tolist():
            own = everyone if labels is None else everyone[labels == label]
            parts = [_distances(distance, own, part) for part in self._outputs(decode, label)]
            seen = seen or any(bool(finite.any()) for _, finite in parts)
            found = torch.cat([away for away, _ in parts], dim=1).topk(count, dim=1, largest=False)
            chosen[own], least[own] = self.z[found.indices], found.values[:, 0].double()
        return Nearby(chosen, least, seen)

    def _outputs(self, decode: Decode, label: int | None) -> Iterable[Tensor]:
        return self.kept[label] if label in self.kept else self._decoded(decode, label)

    @torch.no_grad()
    def _decoded(self, decode: Decode, label: int | None) -> Iterator[Tensor]:
        for z in self.z.split(UNIT):
            yield decode(z, None if label is None else torch.full((len(z),), label, device=z.device))


def _distances(distance: Distance, rows: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distances (k, n) of rows from outputs, infinity for no number, and which outputs are finite (n,)."""
    finite = torch.isfinite(outputs).all(dim=1)
    safe = torch.where(finite[:, None], outputs, torch.zeros((), dtype=outputs.dtype, device=outputs.device))
    away = distance(rows, safe).masked_fill(~finite, torch.inf)
    return away.nan_to_num(torch.inf, torch.inf, torch.inf), finite
