"""Rows that occur many times over: a collapsed generator's samples, or images the data set repeats."""

from __future__ import annotations

import hashlib

import torch

_PROBES = 8  # columns compared first


def first_copies(raw: torch.Tensor) -> torch.Tensor:
    """Return for each row the number of the first row equal to it, its own where there is none before, (N,)."""
    first = torch.arange(len(raw))
    seen: dict[bytes, int] = {}
    for number in _suspects(raw).tolist():
        row = raw[number] + 0  # minus zero equals zero
        digest = hashlib.blake2b(row.cpu().numpy().tobytes(), digest_size=16).digest()
        first[number] = seen.setdefault(digest, number)
    return first.to(raw.device)


def late_copies(raw: torch.Tensor, copies: int) -> torch.Tensor:
    """Return the numbers of the rows that equal ``copies`` rows before them.

    Equal rows lie at equal distances and the lower row number wins, so with one copy more than the neighbours asked
    for (one may be excluded) later copies are nobody's neighbours; they would only fill the lists of candidates.
    """
    first, order = first_copies(raw).sort(stable=True)
    rank = torch.arange(len(first), device=raw.device) - torch.searchsorted(first, first)
    return order[rank >= copies].sort().values


def _suspects(raw: torch.Tensor) -> torch.Tensor:
    """Rows that agree with another one in a few columns: most sets are told apart by those already."""
    columns = (torch.arange(_PROBES, device=raw.device) * raw.shape[1] + raw.shape[1] // 2) // _PROBES
    _, group, size = raw[:, columns].unique(dim=0, return_inverse=True, return_counts=True)
    return (size[group] > 1).nonzero().flatten()
