"""Held-out images that are training images in disguise: a null that leaks hides copies, so it is cleaned first.

Exact leaks are left out where the sets are opened. A held-out set of JPEG copies, say, shows itself here: more of its
images line up with a training image than training images line up with one another, which under one law they would do
alike. What is beyond that is left out; what stays lines up as badly and as well as is usual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from didlearn.alignment.motions import Motion
from didlearn.arrays import Flags, Floats, Ints
from didlearn.checks.memorization.disguised import Limit, LinedUp, LookedUp
from didlearn.images.base import Images
from didlearn.result.words import number, percent

_LIMITS = (
    *map(Limit, (0.001, 0.005, 0.02, 0.05)),
    *(Limit(0.08, motion=kind) for kind in (Motion.SIMILAR, Motion.STILL)),
)
_LEVEL = 1e-4  # chance of calling a leak what is none: it costs the null a few images, and is looked for every time


class Leak(NamedTuple):
    """``leaked`` (m,): which held-out images are left out. ``usual``: the share that would line up without a leak."""

    leaked: Flags
    usual: float


@dataclass(frozen=True)
class CleanNull:
    """The held-out images that are left where some leaked, how they line up, and what is to be said."""

    heldout: Images | None
    lined: LinedUp
    notes: tuple[str, ...] = ()


def find_leak(heldout: LinedUp, again: LinedUp) -> Leak | None:
    """Find held-out images that are training images in disguise.

    Args:
        heldout: how m held-out images line up with their likeliest training image. again: how n training images do
            with their likeliest other one.

    Returns:
        ``None`` where no more held-out images line up than training images do with one another.
    """
    tests = [_test(heldout.misfits(limit), again.misfits(limit), limit.most) for limit in _LIMITS]
    best = int(np.argmin(tests))
    if tests[best] > math.log(_LEVEL / len(_LIMITS)):
        return None
    limit = _LIMITS[best]
    return _leak(heldout.misfits(limit), again.misfits(limit), limit.most)


def _leak(heldout: Floats, again: Floats, limit: float) -> Leak:
    """Say which held-out images leaked, by their misfits (m,) and those (n,) of training images with one another."""
    usual, matching = np.sort(again[again <= limit]), np.flatnonzero(heldout <= limit)
    stay = min(len(matching), round(len(usual) / len(again) * np.sum(heldout > limit) / np.mean(again > limit)))
    leaked = np.zeros(len(heldout), bool)
    leaked[matching] = True
    leaked[_alike(matching[np.argsort(heldout[matching], kind="stable")], heldout, usual, stay)] = False
    return Leak(leaked, len(usual) / len(again))


def _alike(ordered: Ints, heldout: Floats, usual: Floats, stay: int) -> Ints:
    """Choose so many of the matching images whose misfits spread as is usual: twins and recurring pictures stay.

    Args:
        ordered: (k,) images by ascending misfit. usual: (j,) ascending misfits of training images that match.
    """
    if not stay:
        return ordered[:0]
    wanted = np.quantile(usual, (np.arange(stay) + 0.5) / stay)
    place, rank = np.searchsorted(heldout[ordered], wanted), np.arange(stay)
    apart = np.maximum.accumulate(place - rank) + rank
    return ordered[np.minimum(apart, len(ordered) - stay + rank)]


def _test(heldout: Floats, again: Floats, limit: float) -> float:
    """Return the logarithm of the one-sided p-value of as many held-out images within the limit (Fisher's test)."""
    ours, theirs = int((heldout <= limit).sum()), int((again <= limit).sum())
    return float(stats.hypergeom.logsf(ours - 1, len(heldout) + len(again), ours + theirs, len(heldout)))


def clean_null(looked_up: LookedUp, *, split_off: bool) -> CleanNull:
    """Leave held-out images out that leaked; where some did, only those looked at stay.

    Args:
        split_off: whether the held-out images were split off the training set, and so cannot have leaked.
    """
    heldout, real = looked_up.heldout, looked_up.real
    leak = None if split_off else find_leak(real, looked_up.again.lined)
    if leak is None:
        return CleanNull(None, real)
    stay = np.flatnonzero(~leak.leaked)
    note = (
        f"{number(int(leak.leaked.sum()))} of {number(len(heldout))} held-out images "
        f"({percent(float(leak.leaked.mean()))}) line up with a training image, beyond the {percent(leak.usual)} of "
        "training images that do with one another: they leaked in disguise, and were left out."
    )
    return CleanNull(heldout.subset(stay), real.subset(stay), (note,))
