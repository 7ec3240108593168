"""In words: what was done to an original to make a picture of it."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import torch

from didlearn.alignment.planes import lattice, sampled
from didlearn.alignment.registration import INNER
from didlearn.arrays import Floats, Pixels, Singles

_TURNED, _SCALED, _MOVED = 2.0, 0.03, 0.4  # degrees, of the side, pixels: less is not worth a word
_COLOURS = (0, 1, 2)  # red, green and blue
_LIGHT, _DETAIL, _COLOUR = 0.08, 0.3, 0.25


def describe_change(picture: Pixels, original: Pixels, map_: Singles) -> str:
    """Say what was done to ``original`` (C, H, W) to make ``picture`` of it, lined up by ``map_`` (2, 3).

    Returns:
        a clause such as "mirrored, moved by 1 pixel, darker"; "as it is" where nothing is to be seen.
    """
    query, read = _inner(picture, np.eye(2, 3, dtype=np.float32)), _inner(original, map_)
    said = [*_framed(map_, picture.shape[1:]), *_coloured(query, read), *_lit(query, read), *_detailed(query, read)]
    return ", ".join(said) or "as it is"


def _inner(picture: Pixels, map_: Singles) -> Floats:
    """Read the inner pixels (C, p) of a picture through a map."""
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32))[None] / (255 if picture.dtype == np.uint8 else 1)
    side = max(2, round(INNER * min(picture.shape[1:])))
    points = lattice(side, INNER, pixels.device)
    at = (torch.from_numpy(np.array(map_)) @ points).T[None]
    return sampled(pixels, at)[0].numpy().astype(np.float64)


def _framed(map_: Singles, shape: tuple[int, ...]) -> list[str]:
    linear = np.array(map_[:, :2], np.float64)
    said = []
    if linear[0, 0] < 0:
        said.append("mirrored")
        linear[:, 0] *= -1
    angle = math.degrees(math.atan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
    scale = math.sqrt(abs(np.linalg.det(linear)))
    if abs(angle) > _TURNED:
        said.append(f"turned by {abs(angle):.0f}°")
    if abs(scale - 1) > _SCALED:
        said.append(f"cropped to {100 * scale:.0f} %" if scale < 1 else f"shrunk to {100 / scale:.0f} %")
    move = math.hypot(*(map_[:, 2] * np.array(shape)[::-1] / 2))
    if move > _MOVED:
        said.append(f"moved by {move:.1f} pixels" if round(move, 1) != 1 else "moved by a pixel")
    return said


def _coloured(query: Floats, read: Floats) -> list[str]:
    if len(query) != len(_COLOURS):
        return []
    saturation = [float((part - part.mean(0)).std()) for part in (query, read)]
    if saturation[1] > 0.02 and saturation[0] < _COLOUR * saturation[1]:
        return ["grey"]
    apart = {order: float(np.abs(query - read[list(order)]).mean()) for order in permutations(_COLOURS)}
    best = min(apart, key=lambda order: apart[order])
    exchanged = best != _COLOURS and apart[best] < 0.7 * apart[_COLOURS]
    return ["channels exchanged"] if exchanged else []


def _lit(query: Floats, read: Floats) -> list[str]:
    ours, theirs = query.mean(0), read.mean(0)
    varied = float(theirs.std())
    contrast = float(((ours - ours.mean()) * (theirs - theirs.mean())).mean()) / varied**2 if varied > 0 else 1.0
    said = []
    if abs(ours.mean() - theirs.mean()) > _LIGHT * max(float(theirs.mean()), 0.1):
        said.append("brighter" if ours.mean() > theirs.mean() else "darker")
    if abs(contrast - 1) > 2 * _LIGHT:
        said.append("with more contrast" if contrast > 1 else "with less contrast")
    return said


def _detailed(query: Floats, read: Floats) -> list[str]:
    """Compare the differences of neighbouring pixels, which noise adds to and blur takes from."""
    side = math.isqrt(query.shape[1])
    fine = [float(np.diff(part.mean(0).reshape(side, side), axis=1).std()) for part in (query, read)]
    if fine[1] == 0:
        return []
    light = query.mean(0).std() / max(read.mean(0).std(), 1e-9)
    ratio = fine[0] / (fine[1] * max(light, 1e-9))
    return ["noisier"] if ratio > 1 + _DETAIL else ["softer"] if ratio < 1 - _DETAIL else []
