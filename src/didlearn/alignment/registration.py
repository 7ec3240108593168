"""Line one picture up with another: the affine map and the change of light that carry it over, and what does not fit.

The query q is modelled as a·t(A x) + b on its inner pixels x, where t is the original, A an affine map, a the contrast
and b the brightness. Gauss–Newton: with the derivatives of t along A's six numbers as further columns the problem is
linear, and is solved, a few times over (Lucas & Kanade 1981, with a and b fitted along, as in Evangelidis &
Psarakis 2008). The score is 1 − the correlation of q and t(A x): what light and frame do not explain.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import torch
from torch.nn import functional

from didlearn.alignment.planes import carried, lattice, sampled, smoothed

SMOOTHING = 0.7  # pixels: derivatives of unsmoothed pixels lead astray
ROUGHLY = 1.5  # pixels
INNER = 0.75  # of the frame: what was moved, turned or cropped has another rim
_LONGEST_STEP = 0.15  # of half the side
_DAMPING = 1e-3
_LEAST_CONTRAST = 0.2
_FLAT = 1e-3


class PlanePairs(NamedTuple):
    """Pairs of pictures, made ready to be lined up from as many starts and in as many goes as it takes.

    Attributes:
        query: (n, p) the queries' inner pixels. original: (n, 3, S, S) the originals and their derivatives.
        points: (3, p) where they are read.
    """

    query: torch.Tensor
    original: torch.Tensor
    points: torch.Tensor

    @classmethod
    def of(cls, queries: torch.Tensor, originals: torch.Tensor) -> Self:
        """Make planes (n, S, S) and (m, S, S) ready; where m is not n, ``pairs`` says which belong together."""
        side = queries.shape[-1]
        points = lattice(max(1, round(INNER * side)), INNER, queries.device)
        inner = sampled(smoothed(queries, SMOOTHING)[:, None], points[:2].T.expand(len(queries), -1, 2)).squeeze(1)
        smooth = smoothed(originals, SMOOTHING)
        rim = functional.pad(smooth[:, None], (1, 1, 1, 1), mode="replicate").squeeze(1)
        along_x = (rim[:, 1:-1, 2:] - rim[:, 1:-1, :-2]) * side / 4
        along_y = (rim[:, 2:, 1:-1] - rim[:, :-2, 1:-1]) * side / 4
        return cls(inner, torch.stack([smooth, along_x, along_y], 1), points)

    def pairs(self, queries: torch.Tensor, originals: torch.Tensor) -> Self:
        """Return the pairs of some queries (k,) and originals (k,)."""
        return self._replace(query=self.query[queries], original=self.original[originals])

    def rows(self, chosen: torch.Tensor) -> Self:
        """Return some pairs (k,)."""
        return self.pairs(chosen, chosen)


class Registered(NamedTuple):
    """How pictures line up.

    Attributes:
        score: (n,) 1 − correlation; 1 where either picture is flat. maps: (n, 2, 3) from query to original.
        query, read: (n, p) the inner pixels, and the original's where the maps carry them.
    """

    score: torch.Tensor
    maps: torch.Tensor
    query: torch.Tensor
    read: torch.Tensor

    def rows(self, chosen: torch.Tensor) -> Registered:
        """Return some of them (k,)."""
        return Registered(*(part[chosen] for part in self))

    def rough(self) -> torch.Tensor:
        """Return the score (n,) of blurred pictures."""
        return 1 - _blurred_correlation(self.query, self.read)


def line_up_planes(pictures: PlanePairs, maps: torch.Tensor, steps: int) -> Registered:
    """Line originals up with queries.

    Args:
        maps: (n, 2, 3) to start from. steps: of Gauss–Newton.
    """
    for _ in range(steps):
        maps = maps + _step(pictures, maps)
    read = sampled(pictures.original[:, :1], carried(maps, pictures.points)).squeeze(1)
    return Registered(1 - correlations(pictures.query, read), maps, pictures.query, read)


def _step(pictures: PlanePairs, maps: torch.Tensor) -> torch.Tensor:
    """One Gauss–Newton step (n, 2, 3)."""
    x, y, _ = pictures.points
    read, dx, dy = sampled(pictures.original, carried(maps, pictures.points)).unbind(1)
    columns = torch.stack([dx * x, dx * y, dx, dy * x, dy * y, dy, read], 1)
    columns -= columns.mean(2, keepdim=True)
    wanted = pictures.query - pictures.query.mean(1, keepdim=True)
    normal = columns @ columns.mT
    size = torch.diagonal(normal, dim1=1, dim2=2)
    damped = normal + torch.diag_embed(_DAMPING * size + 1e-8)
    found = torch.linalg.solve(damped, (columns @ wanted[..., None])).squeeze(2)
    contrast = found[:, 6:].clamp(min=_LEAST_CONTRAST)
    return (found[:, :6] / contrast).clamp(-_LONGEST_STEP, _LONGEST_STEP).view(-1, 2, 3)


def _blurred_correlation(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    side = math.isqrt(first.shape[1])
    return correlations(*(smoothed(rows.view(-1, side, side), ROUGHLY).flatten(1) for rows in (first, second)))


def correlations(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the correlation (n,) of rows (n, p); 0 where one of them is flat."""
    first, second = (rows - rows.mean(1, keepdim=True) for rows in (first, second))
    sizes = [rows.norm(dim=1) for rows in (first, second)]
    flat = _FLAT * first.shape[1] ** 0.5
    known = (sizes[0] > flat) & (sizes[1] > flat)
    return torch.where(known, (first * second).sum(1) / (sizes[0] * sizes[1]).clamp(min=flat**2), 0.0)
