"""The ways of looking, one by one, and the middle of what is drawn."""

import math

import numpy as np
import pytest
import torch

from didlearn.alignment.framings import FRAMINGS, MILD, MIRROR, middles


def test_the_framings_are_nine_of_the_whole_and_three_of_the_centred_picture():
    """Whole, two crops, two turns, four moves; whole and two turns about the middle of what is drawn."""
    scales = [1, 0.86, 0.73, *[1] * 9]
    degrees = [0, 0, 0, -7, 7, 0, 0, 0, 0, 0, -7, 7]
    moves = [(0, 0)] * 5 + [(0, 0.11), (0, -0.11), (0.11, 0), (-0.11, 0)] + [(0, 0)] * 3
    for framing, scale, turn, move in zip(FRAMINGS, scales, degrees, moves, strict=True):
        c, s = scale * math.cos(math.radians(turn)), scale * math.sin(math.radians(turn))
        assert framing.matrix.tolist() == [pytest.approx([c, -s, move[0]]), pytest.approx([s, c, move[1]])]
    assert [framing.centred for framing in FRAMINGS] == [False] * 9 + [True] * 3


def test_the_mild_framings_leave_the_picture_whole():
    assert [framing.centred for framing in MILD] == [False, True]
    assert all(torch.equal(framing.matrix, torch.eye(2, 3)) for framing in MILD)
    assert MIRROR.tolist() == [[-1, 0], [0, 1]]


def test_the_middle_is_that_of_what_stands_out_from_the_rim():
    """A point at row 1 and column 5 of 8, one a third as strong at row 5 and column 2, on grey whose rim has spots."""
    plane = np.full((8, 8), 0.4, np.float32)
    plane[1, 5], plane[5, 2] = 1.0, 0.2
    places = (np.arange(8) + 0.5) / 4 - 1
    x, y = 0.75 * places[5] + 0.25 * places[2], 0.75 * places[1] + 0.25 * places[5]
    assert middles(torch.from_numpy(plane)[None])[0].tolist() == pytest.approx([x, y], abs=1e-6)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("sides", [(0, 7), (0, None)], ids=["opposite", "beside"])
def test_each_side_of_the_rim_has_its_say(turns, sides):
    """Two sides are white, and with the corners of the others most of the rim: with either left out, less."""
    plane = torch.zeros(8, 8)
    for side in sides:
        plane[(slice(None), side) if side is not None else (0, slice(None))] = 1.0
    plane[2, 3] = 1.0
    plane = plane.rot90(turns)
    black, places = (plane == 0).double(), (torch.arange(8) + 0.5) / 4 - 1
    middle = [float((black.sum(axis) * places).sum() / black.sum()) for axis in (0, 1)]
    assert middles(plane[None])[0].tolist() == pytest.approx(middle, abs=1e-6)


def test_a_flat_picture_has_its_middle_in_the_middle():
    assert middles(torch.full((1, 8, 8), 0.3))[0].tolist() == [0, 0]
