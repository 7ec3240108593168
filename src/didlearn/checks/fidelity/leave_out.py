"""The four manifold metrics with a group of images left out of each set in turn: what their errors are read from.

Whether an image lies within a ball depends on the image, on the centre and on the centre's neighbours, so a binomial
interval of the share of images is too short, and a bootstrap, whose copies are their own neighbours, is wrong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from didlearn.arrays import Floats, Ints
from didlearn.neighbors import nearest

GROUPS = 20
_ROWS = 512
_RIM = 1e-9  # of the squared distances' scale: ties count as inside here too


class Sample(NamedTuple):
    """Features (n, D), which group each row belongs to, (n,), and squared radii without each group, (n, GROUPS)."""

    rows: Floats
    group: Ints
    radii: Floats


def make_sample(rows: Floats, k: int, rng: np.random.Generator) -> Sample:
    """Deal the rows into groups at random and find every radius without each of them.

    Args:
        rows: (n, D), n above 2k. k: neighbours. rng: deals.
    """
    group = rng.permutation(np.arange(len(rows)) % GROUPS)
    reach = min(len(rows) - 1, 4 * k + 24)
    own = np.arange(len(rows))
    near = nearest(rows, rows, reach, exclude=own)
    stays = (group[near.index][:, :, None] != np.arange(GROUPS)).cumsum(axis=1, dtype=np.int32)
    place = np.where(stays[:, -1] >= k, (stays >= k).argmax(axis=1), reach - 1)
    radii = near.distance[own[:, None], place]
    return Sample(rows, group, np.where(group[:, None] == np.arange(GROUPS), -np.inf, radii**2))


def left_out_metrics(real: Sample, generated: Sample, k: int) -> Floats:
    """Return precision, recall, density and coverage without each group, (GROUPS, 4)."""
    hits, covered = _pass(real, generated)
    met, _ = _pass(generated, real)
    found = np.empty((GROUPS, 4))
    for j in range(GROUPS):
        mine, theirs = real.group != j, generated.group != j
        inside = hits[theirs, j]
        found[j] = (inside > 0).mean(), (met[mine, j] > 0).mean(), inside.mean() / k, covered[mine, j].mean()
    return found


def _pass(centres: Sample, points: Sample) -> tuple[Ints, NDArray[Any]]:
    """In how many balls each point lies, (m, GROUPS), and whether a ball holds one, (n, GROUPS), by group left out."""
    middle = centres.rows.mean(axis=0)
    left, right = centres.rows - middle, points.rows - middle
    lengths = np.square(right).sum(axis=1)
    hits = np.zeros((len(right), GROUPS), np.int64)
    covered = np.zeros((len(left), GROUPS), bool)
    stays = [np.flatnonzero(points.group != j) for j in range(GROUPS)]
    for start in range(0, len(left), _ROWS):
        some = slice(start, start + _ROWS)
        own = np.square(left[some]).sum(axis=1)[:, None]
        square = own + lengths - 2 * left[some] @ right.T
        square -= _RIM * (own + lengths)
        for j in range(GROUPS):
            inside = square <= centres.radii[some, j, None]
            hits[:, j] += inside.sum(axis=0)
            covered[some, j] = inside[:, stays[j]].any(axis=1)
    return hits, covered
