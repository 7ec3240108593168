"""How much do maps do to a frame? Fewer independent pictures line up where less is allowed.

Natural twins were cut out anew, so one is stretched against the other. People leave a copy where it lies, mirror it,
crop it evenly, or turn it: far fewer twins line up by maps of that kind, and as many copies.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from didlearn.alignment.registration import INNER
from didlearn.arrays import Flags, Floats, Singles

_MOST_MOVED = 0.35  # pixels, of the inner corners and of the middle: copies are lined up as well as that


class Motion(Enum):
    """What a map may do to a picture, beside mirroring it; the words are shown."""

    AFFINE = "in any frame"
    SIMILAR = "not stretched"
    CENTRED = "not stretched, about the middle"
    STILL = "in place"

    def holds(self, maps: Singles, shape: tuple[int, int]) -> Flags:
        """Say which maps (n, 2, 3) do no more than that to pictures of (H, W) pixels."""
        if self is Motion.AFFINE:
            return np.ones(len(maps), bool)
        linear, move = _in_pixels(maps, shape)
        plain = np.broadcast_to(np.eye(2), linear.shape)
        fits = _apart(linear, plain if self is Motion.STILL else _similar(linear), shape) <= _MOST_MOVED
        return fits if self is Motion.SIMILAR else fits & (np.hypot(*move.T) <= _MOST_MOVED)


def _in_pixels(maps: Singles, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the linear parts (n, 2, 2) in pixels, mirroring undone, and where the middle goes (n, 2) in pixels."""
    half = np.array([shape[1], shape[0]]) / 2
    linear = maps[:, :, :2].astype(np.float64) * half[:, None] / half
    linear[np.linalg.det(linear) < 0, :, 0] *= -1
    return linear, maps[:, :, 2] * half


def _similar(linear: Floats) -> Floats:
    """Return the nearest (n, 2, 2) that scale and turn alone."""
    along = (linear[:, 0, 0] + linear[:, 1, 1]) / 2
    across = (linear[:, 1, 0] - linear[:, 0, 1]) / 2
    return np.stack([np.stack([along, -across], 1), np.stack([across, along], 1)], 1)


def _apart(linear: Floats, other: Floats, shape: tuple[int, int]) -> Floats:
    """Return how far (n,) pixels two linear parts take an inner corner apart."""
    corners = np.array([[1.0, 1.0], [1.0, -1.0]]) * INNER * np.array([shape[1], shape[0]]) / 2
    moved: Floats = np.linalg.norm(np.einsum("nij,kj->nki", linear - other, corners), axis=2).max(1)
    return moved
