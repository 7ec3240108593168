"""Which pictures of one set are others of it: mirrored, moved a little, or compressed?"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from didlearn.alignment.framings import MILD, middles
from didlearn.alignment.planes import Planes
from didlearn.alignment.proposals import CELLS, Looks, propose, reader, starts
from didlearn.alignment.registration import PlanePairs, line_up_planes
from didlearn.arrays import Floats, Ints
from didlearn.parallel import map_units

_CANDIDATES = 3
_LIKELY = 0.9  # mildly changed pictures have coarse features more alike than that
_STEPS = 4
_HOPELESS = 0.1  # after one step: one picture mildly changed lies far below
_BLURRED = 512  # pictures blurred at once
_QUERIES, _PAIRS = 256, 512  # at once: fixed, so that threads change no bit of the answer


class Repeats(NamedTuple):
    """Pairs that are one picture: ``first`` (k,), ``second`` (k,), and how badly they line up, ``score`` (k,)."""

    first: Ints
    second: Ints
    score: Floats


def find_repeats(planes: Planes | torch.Tensor, limit: float, *, threads: int = 1) -> Repeats:
    """Find pairs of pictures that line up with a misfit of ``limit`` or less.

    Each picture is tried with the three nearest in coarse features, of the set as it is and mirrored, so the
    pairs connect pictures that are one but are not all the pairs there are.

    Args:
        planes: (n, S, S) ``grey_planes`` of the pictures; two or more.
    """
    features = _features(planes, threads)
    asked = Looks(*features)  # of the whole picture, and of the centred one, as it is asked for

    def some(rows: range) -> tuple[torch.Tensor, ...]:
        # Likeness is nearly symmetric, so each picture looks among those of its unit and later ones alone.
        later = [part[rows.start :] for part in features]
        own = torch.arange(len(rows), device=planes.device)
        few = Looks(*(part[rows.start : rows.stop] for part in asked))
        found = propose(few, later, MILD, min(_CANDIDATES, len(later[0]) - 1), own, _LIKELY)
        likely = found.likeness > _LIKELY
        first = rows.start + own[:, None].expand_as(likely)[likely]
        second = rows.start + found.index[likely]
        return first, second, _misfit(planes[first], planes[second], [found.framing[likely]])

    parts = map_units(some, len(planes), unit=_QUERIES, threads=threads)
    first, second, score = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    close = score <= limit
    pairs, where = np.unique(np.sort(np.column_stack([first, second])[close], axis=1), axis=0, return_index=True)
    return Repeats(pairs[:, 0], pairs[:, 1], score[close][where].astype(np.float64))


def _features(planes: Planes | torch.Tensor, threads: int) -> list[torch.Tensor]:
    """Return the coarse features (n, p) of all in each framing; some are blurred at a time."""
    found = [torch.empty(len(planes), CELLS**2, device=planes.device) for _ in MILD]

    def some(rows: range) -> None:
        read = reader(planes[rows.start : rows.stop])
        for features, framing in zip(found, MILD, strict=True):
            features[rows.start : rows.stop] = read(framing)

    map_units(some, len(planes), unit=_BLURRED, threads=threads)
    return found


def pair_misfits(planes: Planes | torch.Tensor, first: Ints, second: Ints, *, threads: int = 1) -> Floats:
    """Return the least misfit (k,) of planes ``first`` (k,) to ``second`` (k,), as they are, centred or mirrored."""
    device = planes.device
    some = partial(_misfits, planes, torch.from_numpy(first).to(device), torch.from_numpy(second).to(device))
    parts = map_units(some, len(first), unit=_PAIRS, threads=threads)
    return torch.cat([torch.empty(0), *(part.cpu() for part in parts)]).numpy().astype(np.float64)


def _misfits(planes: Planes | torch.Tensor, first: torch.Tensor, second: torch.Tensor, rows: range) -> torch.Tensor:
    queries, originals = planes[first[rows.start : rows.stop]], planes[second[rows.start : rows.stop]]
    kinds = [torch.full((len(queries),), kind, device=planes.device) for kind in range(2 * len(MILD))]
    return _misfit(queries, originals, kinds)


def _misfit(queries: torch.Tensor, originals: torch.Tensor, framings: list[torch.Tensor]) -> torch.Tensor:
    """Line up pairs of planes (k, S, S) from each of some framings (k,): their least misfits (k,)."""
    from_, to = middles(queries), middles(originals)
    begun = [starts(from_, to, framing, MILD) for framing in framings]
    blocks = zip(*(part.split(_PAIRS) for part in (queries, originals, *begun)), strict=True)
    parts = [_least(PlanePairs.of(query, original), maps) for query, original, *maps in blocks]
    return torch.cat(parts) if parts else torch.empty(0, device=queries.device)


def _least(pictures: PlanePairs, begun: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([_in_two_goes(pictures, maps) for maps in begun]).amin(0)


def _in_two_goes(pictures: PlanePairs, maps: torch.Tensor) -> torch.Tensor:
    """Go on with the pairs alone that are near to lining up after one step."""
    first = line_up_planes(pictures, maps, 1)
    near = torch.nonzero(first.score <= _HOPELESS).squeeze(1)
    score = first.score.clone()
    if len(near):
        score[near] = line_up_planes(pictures.rows(near), first.maps[near], _STEPS - 1).score
    return score
