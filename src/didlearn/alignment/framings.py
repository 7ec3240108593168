"""The framings under which a picture is looked for: mirrored or not, whole or cropped, turned, moved.

A framing is an affine map from the points of the query to those of the original. Coarse features forgive what lies
between two framings, and registration finds the rest. Moves of a sparse picture (a digit on black), which coarse
features do not forgive, are found by putting the middle of what is drawn into the middle of the frame.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

_CROPS = (0.86, 0.73)
_TURN = 7.0  # degrees
_MOVE = 0.11  # of half the side


class Framing(NamedTuple):
    """One way of looking: ``matrix`` (2, 3), and whether it starts from the middle of what is drawn."""

    matrix: torch.Tensor
    centred: bool


def _all_framings() -> tuple[Framing, ...]:
    """Return the framings of one picture that is not mirrored: nine, and three of the centred picture."""
    scaled = [torch.diag(torch.tensor([scale, scale])) for scale in (1.0, *_CROPS)]
    turned = [_rotation(degrees) for degrees in (-_TURN, _TURN)]
    moves = [(0.0, _MOVE), (0.0, -_MOVE), (_MOVE, 0.0), (-_MOVE, 0.0)]
    whole = scaled[0]
    plain = [(linear, (0.0, 0.0)) for linear in (*scaled, *turned)] + [(whole, move) for move in moves]
    return (
        *(Framing(_affine(linear, move), False) for linear, move in plain),
        *(Framing(_affine(linear, (0.0, 0.0)), True) for linear in (whole, *turned)),
    )


def _rotation(degrees: float) -> torch.Tensor:
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    return torch.tensor([[cosine, -sine], [sine, cosine]])


def _affine(linear: torch.Tensor, move: tuple[float, float]) -> torch.Tensor:
    return torch.cat([linear, torch.tensor(move)[:, None]], 1)


FRAMINGS = _all_framings()
MILD = tuple(framing for framing in FRAMINGS if torch.equal(framing.matrix, torch.eye(2, 3)))  # whole, and centred
MIRROR = torch.tensor([[-1.0, 0.0], [0.0, 1.0]])


def middles(planes: torch.Tensor) -> torch.Tensor:
    """Return the middle (n, 2) of what stands out from the border's usual grey, as x and y in [−1, 1]."""
    side = planes.shape[-1]
    rim = torch.cat([planes[:, 0], planes[:, -1], planes[:, :, 0], planes[:, :, -1]], 1)
    weight = (planes - rim.median(1).values[:, None, None]).abs()
    axis = (torch.arange(side, device=planes.device, dtype=torch.float32) + 0.5) * 2 / side - 1
    total = weight.sum((1, 2)).clamp(min=1e-6)
    return torch.stack([(weight.sum(1) * axis).sum(1) / total, (weight.sum(2) * axis).sum(1) / total], 1)
