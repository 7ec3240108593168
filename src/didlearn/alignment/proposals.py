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
_EVEN = CELLS * (CELLS + 1) // 2  # coarse features that mirroring leaves; it negates the others
_UNFOUND = -2.0  # below every likeness


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
    """Coarse features (n, p) of pictures: of their frame, and of the frame about the middle of what is drawn.

    Of the values on the lattice they are sums and differences with the mirrored place: first those that mirroring
    leaves, then those that it negates. So one product of each kind tells of the picture as it is and mirrored.
    """

    plain: torch.Tensor
    centred: torch.Tensor

    def ways(self, framings: Framings) -> list[torch.Tensor]:
        """Return those that each framing is compared with, of the picture as it is and then of the mirrored one."""
        kinds = [self.centred if framing.centred else self.plain for framing in framings]
        return [*kinds, *(flipped_looks(features) for features in kinds)]


def flipped_looks(features: torch.Tensor) -> torch.Tensor:
    """Return the coarse features (n, p) of the mirrored pictures."""
    return torch.cat([features[:, :_EVEN], -features[:, _EVEN:]], 1)


def folded(values: torch.Tensor) -> torch.Tensor:
    """Turn values (n, p) on the lattice into sums and differences of mirrored places, an orthogonal change."""
    rows = values.view(-1, CELLS, CELLS)
    half = CELLS // 2
    left, middle, right = rows[:, :, :half], rows[:, :, half], rows[:, :, half + 1 :].flip(2)
    both = [(left + right).flatten(1), (left - right).flatten(1)]
    sums, differences = (part * 0.5**0.5 for part in both)
    return torch.cat([sums, middle, differences], 1)


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
        return folded(values / values.norm(dim=1, keepdim=True).clamp(min=_FLAT * CELLS))

    return read


def propose(
    asked: Looks,
    reference: list[torch.Tensor],
    framings: Framings,
    k: int,
    excluded: torch.Tensor,
    least: float = _UNFOUND,
) -> Proposals:
    """Find the k likeliest originals of each query.

    Args:
        asked: features of n queries. reference: features (m, p) of the reference in each of ``framings``.
        k: at most m. excluded: (n,) the one reference image that does not count for each query, or −1.
        least: likenesses up to this are of no interest; where fewer than k are above it, it stands for the others.
    """
    looked = asked.ways(framings)
    best, index = _likeliest(looked[: len(framings)], reference, k, excluded, least)
    seen = [features[index] for features in reference]
    ways = zip(looked, [*seen, *seen], strict=True)
    framed = torch.stack([torch.einsum("np,nkp->nk", look, features) for look, features in ways])
    return Proposals(best, index, framed.argmax(0))


def _likeliest(
    looked: list[torch.Tensor], reference: list[torch.Tensor], k: int, excluded: torch.Tensor, least: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the likenesses and numbers (n, k) of the likeliest, those of some columns after the others."""
    queries, count = len(looked[0]), len(reference[0])
    best, index = looked[0].new_full((queries, k), least), excluded.new_zeros(queries, k)
    for at in range(0, count, _COLUMNS):
        columns = slice(at, min(at + _COLUMNS, count))
        likeness = _likeness(looked, [features[columns] for features in reference])
        rows = torch.nonzero((excluded >= at) & (excluded < columns.stop)).squeeze(1)
        likeness[rows, excluded[rows] - at] = _UNFOUND
        better = torch.nonzero(likeness.amax(1) > best[:, -1]).squeeze(1)  # few, but among the first columns
        if len(better):
            found, where = likeness[better].topk(min(k, likeness.shape[1]), dim=1)
            best[better], place = torch.cat([best[better], found], 1).topk(k, dim=1)
            index[better] = torch.cat([index[better], where + at], 1).gather(1, place)
    return best, index


def _likeness(looked: list[torch.Tensor], reference: list[torch.Tensor]) -> torch.Tensor:
    """Return the largest correlation (n, m) over the framings, of the pictures as they are or mirrored."""
    best: torch.Tensor | None = None
    for look, features in zip(looked, reference, strict=True):
        likeness = (look[:, _EVEN:] @ features[:, _EVEN:].T).abs_()
        likeness.addmm_(look[:, :_EVEN], features[:, :_EVEN].T)
        best = likeness if best is None else torch.maximum(best, likeness, out=best)
    assert best is not None
    return best


def starts(queries: torch.Tensor, originals: torch.Tensor, framing: torch.Tensor, framings: Framings) -> torch.Tensor:
    """Return the maps (n, 2, 3), from query to original, that framings (n,) stand for.

    Centred ones carry middle to middle.

    Args:
        queries, originals: (n, 2) the middles of both.
    """
    device = queries.device
    plain = torch.stack([way.matrix for way in framings]).to(device)
    flipped = torch.cat([plain[:, :, :2] @ MIRROR.to(device), plain[:, :, 2:]], 2)
    maps = torch.cat([plain, flipped])[framing]
    centred = torch.tensor([way.centred for way in framings], device=device).repeat(2)[framing]
    moves = originals - torch.einsum("nij,nj->ni", maps[:, :, :2], queries)
    maps[:, :, 2] += torch.where(centred[:, None], moves, 0.0)
    return maps
