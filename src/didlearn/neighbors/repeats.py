"""Rows that occur many times over: a collapsed generator's samples, or images the data set repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch

_PROBES = 8  # columns compared first


def first_copies(*raws: torch.Tensor) -> torch.Tensor:
    """Return for each row the number of the first row equal to it, its own where there is none before, (N,).

    Args:
        *raws: (n, D) each; their rows are numbered on from one to the next, and equal where their numbers are.
    """
    starts = np.cumsum([0, *map(len, raws)])
    wide = reduce(torch.promote_types, (raw.dtype for raw in raws))
    first = torch.arange(int(starts[-1]))
    seen: dict[bytes, int] = {}
    for number in _suspects(raws).tolist():
        which = int(np.searchsorted(starts, number, side="right")) - 1
        row = raws[which][number - int(starts[which])].to(wide) + 0  # minus zero equals zero
        digest = hashlib.blake2b(row.cpu().numpy().tobytes(), digest_size=16).digest()
        first[number] = seen.setdefault(digest, number)
    return first.to(raws[0].device)


def late_copies(raw: torch.Tensor, copies: int) -> torch.Tensor:
    """Return the numbers of the rows that equal ``copies`` rows before them.

    Equal rows lie at equal distances and the lower row number wins, so with one copy more than the neighbours asked
    for (one may be excluded) later copies are nobody's neighbours; they would only fill the lists of candidates.
    """
    first, order = first_copies(raw).sort(stable=True)
    rank = torch.arange(len(first), device=raw.device) - torch.searchsorted(first, first)
    return order[rank >= copies].sort().values


def _suspects(raws: Sequence[torch.Tensor]) -> torch.Tensor:
    """Rows that agree with another one in a few columns: most sets are told apart by those already."""
    width = raws[0].shape[1]
    columns = (torch.arange(_PROBES, device=raws[0].device) * width + width // 2) // _PROBES
    probes = torch.cat([raw[:, columns] for raw in raws])
    _, group, size = probes.unique(dim=0, return_inverse=True, return_counts=True)
    return (size[group] > 1).nonzero().flatten()
