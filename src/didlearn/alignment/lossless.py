"""Which pictures are others to the last bit, but for mirroring, a move by whole pixels and an exchange of channels?"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from didlearn.arrays import Flags, Ints, Pixels, Singles

_FARTHEST = 0.25  # of the side: what is left to compare
_PERMUTED = 3  # channels are exchanged in every order up to so many
_LINEAR = 0.08  # maps whose linear part is farther from the identity do more than move


def equal_pictures(pictures: Pixels, originals: Pixels, maps: Singles) -> Flags:
    """Say which pictures equal their originals where both are seen, once the moves that the maps stand for are undone.

    Args:
        pictures, originals: (n, C, H, W) of one type. maps: (n, 2, 3) from the picture's points to the original's.

    Returns:
        (n,) flags; ``False`` where the map is no mirroring and move by whole pixels.
    """
    mirrored, moves, plain = _moves(maps, pictures.shape[2:])
    equal = np.zeros(len(pictures), bool)
    ways = np.column_stack([mirrored, moves])
    for way in np.unique(ways[plain], axis=0):
        rows = np.flatnonzero(plain & (ways == way).all(1))
        shown = originals[rows][..., ::-1] if way[0] else originals[rows]
        equal[rows] = _overlap_equal(pictures[rows], shown, int(way[1]), int(way[2]))
    return equal


def _moves(maps: Singles, shape: tuple[int, ...]) -> tuple[Ints, Ints, Flags]:
    """Return which maps mirror, the moves (n, 2) down and right in whole pixels, and which maps do no more than that.

    A mirrored point x comes from −x + m: in the mirrored original from x − m.
    """
    height, width = shape
    mirrored = (maps[:, 0, 0] < 0).astype(np.int64)
    sign = 1 - 2 * mirrored
    across, down = maps[:, 0, 2] * sign * width / 2, maps[:, 1, 2] * height / 2
    moves = np.rint(np.column_stack([down, across])).astype(np.int64)
    linear = maps[:, :, :2].copy()
    linear[:, 0, 0] *= sign
    off = np.abs(linear - np.eye(2)).max((1, 2))
    near = (np.abs(moves) <= _FARTHEST * np.array([height, width])).all(1)
    return mirrored, moves, (off < _LINEAR) & near


def _overlap_equal(pictures: Pixels, originals: Pixels, down: int, right: int) -> Flags:
    """Compare pixel (y, x) of the pictures with (y + down, x + right) of the originals, in every order of channels."""
    height, width = pictures.shape[2:]
    seen = pictures[:, :, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    there = originals[:, :, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    channels = pictures.shape[1]
    orders = permutations(range(channels)) if channels <= _PERMUTED else [tuple(range(channels))]
    return np.any([(seen == there[:, list(order)]).all((1, 2, 3)) for order in orders], axis=0)
