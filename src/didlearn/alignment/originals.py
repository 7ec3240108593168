"""The likeliest original of each picture among a reference set that may not fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from didlearn.alignment.framings import FRAMINGS, middles
from didlearn.alignment.planes import grey_planes, planes_of
from didlearn.alignment.proposals import Looks, Proposals, looks_of, propose, reader, starts
from didlearn.alignment.registration import PlanePairs, line_up_planes
from didlearn.arrays import Floats, Ints, Pixels, Singles
from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels
from didlearn.images.formats.arrays import open_array
from didlearn.parallel import map_units

CANDIDATES = 6
SMALLEST_SIDE = 8  # pixels of a side: of fewer an affine map explains nearly everything
_STEPS, _FIRST_STEPS, _KEPT = 6, 2, 3  # of Gauss–Newton; candidates that are gone on with after the first
_QUERIES, _REFERENCES = 256, 8192  # at once: fixed, so that threads and memory change no bit of the answer


@dataclass(frozen=True)
class Originals:
    """The likeliest original of each of n pictures.

    Attributes:
        score: (n,) what neither frame nor light explains: 1 − correlation of the inner pixels once lined up.
        rough: (n,) the same of blurred pixels, which forgive noise and lost detail.
        index: (n,) of the original in the reference, by the smallest score.
        maps: (n, 2, 3) from the picture's points to the original's.
    """

    score: Floats
    rough: Floats
    index: Ints
    maps: Singles


def find_originals(
    queries: Pixels,
    reference: Images | Pixels,
    *,
    exclude: Ints | None = None,
    device: str = "cpu",
    threads: int = 1,
    advance: Callable[[int], None] | None = None,
) -> Originals:
    """Find the reference picture that lines up best with each query, up to mirroring, framing, turning and light.

    Args:
        queries: (n, C, H, W), uint8 or floats in [0, 1]. reference: images of the same shape.
        exclude: (n,) the reference image that does not count for each query, or −1: ``arange(n)`` looks for other
            images of the same set.
        device: where to work. threads: that work at once; they do not change the answer.
        advance: told how many queries are done.

    Raises:
        DataError: shapes differ, sides are shorter than ``SMALLEST_SIDE``, or there is nothing to choose from.
    """
    images = (
        reference
        if isinstance(reference, Images)
        else open_array(reference, Labels(), "reference", channels_first=True)
    )
    _check(queries, images, exclude)
    asked = grey_planes(queries, device)
    skipped = torch.full((len(queries),), -1) if exclude is None else torch.from_numpy(np.asarray(exclude))
    found = _proposed(looks_of(asked), images, skipped.to(device), threads)
    line_up = partial(_lined_up, asked, images, found)
    parts = map_units(line_up, len(queries), unit=_QUERIES, threads=threads, advance=advance)
    score, rough, index, maps = (torch.cat(kind).cpu().numpy() for kind in zip(*parts, strict=True))
    return Originals(score.astype(np.float64), rough.astype(np.float64), index, maps)


def _check(queries: Pixels, images: Images, exclude: Ints | None) -> None:
    if queries.shape[1:] != images.shape:
        raise DataError(f"queries are {queries.shape[1:]} and the reference {images.shape}; bring both to one shape")
    if min(images.shape[1:]) < SMALLEST_SIDE:
        raise DataError(f"images of {images.shape[1:]} are too small to be lined up; {SMALLEST_SIDE} a side are needed")
    if len(images) <= (exclude is not None) or not len(queries):
        raise DataError(f"{len(queries)} pictures cannot be looked for among {len(images)}; give more")


def _proposed(asked: Looks, images: Images, exclude: torch.Tensor, threads: int) -> Proposals:
    """Propose originals, reading the reference once, a chunk at a time."""
    k, parts = max(1, min(CANDIDATES, len(images) - 1)), []
    for start in range(0, len(images), _REFERENCES):
        chunk = range(start, min(start + _REFERENCES, len(images)))
        features = _features(planes_of(images, chunk, str(asked.plain.device)), threads)
        inside = torch.where((exclude >= chunk.start) & (exclude < chunk.stop), exclude - start, -1)
        some = partial(_among, asked, features, inside, min(k, len(chunk)))
        found = map_units(some, len(asked.plain), unit=_QUERIES, threads=threads)
        parts.append([one._replace(index=one.index + start) for one in found])
    return _joined([_joined(list(units), 1).best(k) for units in zip(*parts, strict=True)], 0)


def _features(planes: torch.Tensor, threads: int) -> list[torch.Tensor]:
    """Return the coarse features of reference planes in each framing."""

    def some(rows: range) -> list[torch.Tensor]:
        read = reader(planes[rows.start : rows.stop])
        return [read(framing) for framing in FRAMINGS]

    units = map_units(some, len(planes), unit=_QUERIES, threads=threads)
    return [torch.cat(parts) for parts in zip(*units, strict=True)]


def _among(asked: Looks, features: list[torch.Tensor], excluded: torch.Tensor, k: int, rows: range) -> Proposals:
    cut = slice(rows.start, rows.stop)
    return propose(Looks(*(part[cut] for part in asked)), features, FRAMINGS, k, excluded[cut])


def _joined(parts: Sequence[Proposals], along: int) -> Proposals:
    return Proposals(*(torch.cat(kind, along) for kind in zip(*parts, strict=True)))


def _lined_up(queries: torch.Tensor, images: Images, found: Proposals, rows: range) -> tuple[torch.Tensor, ...]:
    """Register the proposed originals of some queries, and keep the best of each."""
    cut = slice(rows.start, rows.stop)
    few, found = queries[cut], found.rows(cut)
    count, k = found.index.shape
    once, back = np.unique(found.index.cpu().numpy().ravel(), return_inverse=True)
    which = torch.from_numpy(back).to(queries.device)
    originals = planes_of(images, once, str(queries.device))
    asking = torch.arange(count, device=few.device).repeat_interleave(k)
    start = starts(middles(few)[asking], middles(originals)[which], found.framing.flatten(), FRAMINGS)
    ready = PlanePairs.of(few, originals)  # each picture once, however many it is paired with
    lined = line_up_planes(ready.pairs(asking, which), start, _FIRST_STEPS)
    kept = lined.score.view(count, k).topk(min(_KEPT, k), largest=False).indices
    rows_kept = (torch.arange(count, device=few.device)[:, None] * k + kept).flatten()
    further = ready.pairs(asking[rows_kept], which[rows_kept])
    again = line_up_planes(further, lined.maps[rows_kept], _STEPS - _FIRST_STEPS)
    best = again.score.view(count, -1).argmin(1, keepdim=True)
    chosen = again.rows((torch.arange(count, device=few.device)[:, None] * kept.shape[1] + best).squeeze(1))
    index = found.index.gather(1, kept).gather(1, best).squeeze(1)
    return chosen.score, chosen.rough(), index, chosen.maps
