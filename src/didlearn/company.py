"""Whether a network answers for each row alone, or also for the rows beside it: batch statistics left on, say.

Rows are told apart from rounding by what is held fixed. A batch of one size is added up in one order, so rows whose
company alone is exchanged come out equal to the last bit, unless the network looks at the company. Another batch size
takes other kernels, and rows move by roundings of whatever arithmetic the network uses inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from didlearn.rng import Stream, named_noise

ROUNDING = 64 * torch.finfo(torch.float32).eps
"""Of the size of a row: what sums of single numbers in an order that varies (on a GPU) leave."""
COARSE = 4 * torch.finfo(torch.bfloat16).eps
"""Of the size of a row: a few roundings of the coarsest arithmetic in use."""


@dataclass(frozen=True, eq=False)
class Company:
    """A network to be run on rows in changing company.

    Attributes:
        run: from indices of inputs to the output, (n, ...), a row for each.
        kept: how many rows are watched, the inputs 0, 1, ... beside: how many accompany them; there are as many others.
        rng: of the noise the network may draw. device: where it runs.
    """

    run: Callable[[Sequence[int]], torch.Tensor]
    kept: int
    beside: int
    rng: Stream
    device: str

    def together(self, noise: str = "one") -> torch.Tensor:
        """Return all rows beside the first company (kept + beside, ...), with the noise of that name."""
        return self._run(range(self.kept + self.beside), noise)

    def exchanged(self) -> torch.Tensor:
        """Return all rows beside the other company, at the same places."""
        others = range(self.kept + self.beside, self.kept + 2 * self.beside)
        return self._run([*range(self.kept), *others], "one")

    def alone(self) -> torch.Tensor:
        """Return the kept rows (kept, ...) run without company and in reverse."""
        return self._run(range(self.kept)[::-1], "one").flip(0)

    def _run(self, indices: Sequence[int], noise: str) -> torch.Tensor:
        with named_noise(self.rng.child("noise", noise), self.device):
            return self.run(list(indices)).float()
