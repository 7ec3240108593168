"""A few likely originals of each picture: the nearest in coarse features of every reference image in every framing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from didlearn.alignment.framings import MIRROR, Framing, middles
from didlearn.alignment.planes import carried, lattice, sampled, smoothed

Framings = tuple[Framing, ...]
CELLS = 9  # coarse features are so many values along each side
_EXTENT = 0.9  # of the frame that they are read in: a turned or moved picture lacks its rim
_BLUR = 0.05  # of the side
_FLAT = 1e-3  # a frame whose grey varies less tells nothing
_COLUMNS = 2048  # reference images compared at once: their likenesses stay in the cache
_KEPT = 32 * _COLUMNS  # and so many whose likenesses are kept until the largest are chosen


class Proposals(NamedTuple):
    """The likeliest originals of each of n queries, k each, the likeliest first.

    Attributes:
        likeness: (n, k) correlation of coarse features. index: (n, k) in the reference.
        framing: (n, k) which of the framings asked for, and so many on where the picture is mirrored.
    """

    likeness: torch.Tensor
    index: torch.Tensor  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a record
    framing: torch.Tensor

    def rows(self, chosen: slice) -> Proposals:
        """Return those of some queries."""
        return Proposals(*(part[chosen] for part in self))

    def best(self, k: int) -> Proposals:
        """Return the k likeliest."""
        order = self.likeness.topk(min(k, self.likeness.shape[1]), dim=1).indices
        return Proposals(*(part.gather(1, order) for part in self))


class Looks(NamedTuple):
    """Coarse features (n, p) of pictures: of their frame, and of the frame about the middle of what is drawn."""

    plain: torch.Tensor
    centred: torch.Tensor

    def ways(self, framings: Framings) -> list[torch.Tensor]:
        """Return those that each framing is compared with, of the picture as it is and then of the mirrored one."""
        kinds = [self.centred if framing.centred else self.plain for framing in framings]
        return [*kinds, *(flipped_looks(features) for features in kinds)]


def flipped_looks(features: torch.Tensor) -> torch.Tensor:
    """Return the coarse features (n, p) of the mirrored pictures: the same values from right to left."""
    return features.view(-1, CELLS, CELLS).flip(2).flatten(1)


def looks_of(planes: torch.Tensor) -> Looks:
    """Return the coarse features of queries (n, S, S), as they are."""
    read = reader(planes)
    whole = torch.eye(2, 3, device=planes.device)
    return Looks(*(read(Framing(whole, middle)) for middle in (False, True)))


def reader(planes: torch.Tensor) -> Callable[[Framing], torch.Tensor]:
    """Return what reads the coarse features (n, p) of pictures in a framing: blurred, on a lattice, light taken out."""
    blurred = smoothed(planes, _BLUR * planes.shape[-1])[:, None]
    middle, points = middles(planes), lattice(CELLS, _EXTENT, planes.device)

    def read(framing: Framing) -> torch.Tensor:
        maps = framing.matrix.to(planes.device).expand(len(planes), 2, 3).clone()
        if framing.centred:
            maps[:, :, 2] += middle
        values = sampled(blurred, carried(maps, points)).squeeze(1)
        values -= values.mean(1, keepdim=True)
        return values / values.norm(dim=1, keepdim=True).clamp(min=_FLAT * CELLS)

    return read


def propose(
    asked: Looks, reference: list[torch.Tensor], framings: Framings, k: int, excluded: torch.Tensor
) -> Proposals:
    """Find the k likeliest originals of each query.

    Args:
        asked: features of n queries. reference: features (m, p) of the reference in each of ``framings``.
        k: at most m. excluded: (n,) the one reference image that does not count for each query, or −1.
    """
    looked, count = asked.ways(framings), len(reference[0])
    parts = [range(at, min(at + _KEPT, count)) for at in range(0, count, _KEPT)]
    found = [_likeliest(looked, reference, part, k, excluded) for part in parts]
    best, index = found[0]
    if len(found) > 1:
        likeness, columns = (torch.cat(side, 1) for side in zip(*found, strict=True))
        best, place = likeness.topk(k, dim=1)
        index = columns.gather(1, place)
    ways = zip(looked, [*reference, *reference], strict=True)
    framed = torch.stack([torch.einsum("np,nkp->nk", look, features[index]) for look, features in ways])
    return Proposals(best, index, framed.argmax(0))


def _likeliest(
    looked: list[torch.Tensor], reference: list[torch.Tensor], part: range, k: int, excluded: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the likenesses and numbers (n, k) of the likeliest among a part of the reference, of all if it is less."""
    likeness = looked[0].new_empty(len(looked[0]), len(part))
    for at in range(part.start, part.stop, _COLUMNS):
        columns = slice(at, min(at + _COLUMNS, part.stop))
        found = _likeness(looked, [features[columns] for features in reference])
        likeness[:, at - part.start : columns.stop - part.start] = found
    rows = torch.nonzero((excluded >= part.start) & (excluded < part.stop)).squeeze(1)
    likeness[rows, excluded[rows] - part.start] = -2.0
    best, index = likeness.topk(min(k, len(part)), dim=1)
    return best, index + part.start


def _likeness(looked: list[torch.Tensor], reference: list[torch.Tensor]) -> torch.Tensor:
    """Return the largest correlation (n, m) over the framings, of the pictures as they are and mirrored."""
    best: torch.Tensor | None = None
    for look, features in zip(looked, [*reference, *reference], strict=True):
        likeness = look @ features.T
        best = likeness if best is None else torch.maximum(best, likeness, out=best)
    assert best is not None
    return best


def starts(queries: torch.Tensor, originals: torch.Tensor, framing: torch.Tensor, framings: Framings) -> torch.Tensor:
    """Return the maps (n, 2, 3), from query to original, that framings (n,) stand for.

    Centred ones carry middle to middle.
    """
    device = queries.device
    plain = torch.stack([way.matrix for way in framings]).to(device)
    flipped = torch.cat([plain[:, :, :2] @ MIRROR.to(device), plain[:, :, 2:]], 2)
    maps = torch.cat([plain, flipped])[framing]
    centred = torch.tensor([way.centred for way in framings], device=device).repeat(2)[framing]
    moves = middles(originals) - torch.einsum("nij,nj->ni", maps[:, :, :2], middles(queries))
    maps[:, :, 2] += torch.where(centred[:, None], moves, 0.0)
    return maps
