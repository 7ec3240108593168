"""What a map does to a frame: mirrored, moved, scaled and turned, or stretched."""

import math

import numpy as np
import pytest

from didlearn.alignment.motions import Motion

SIDE, INNER = 32, 0.75


def map_(linear, move=(0.0, 0.0)):
    return np.array([[*linear[0], move[0]], [*linear[1], move[1]]], np.float32)


def turned(degrees, scale=1.0):
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return [[c, -s], [s, c]]


PIXEL = 2 / SIDE  # in the map's units, where half a side is 1
LYING, MIRROR = [[1.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]]
CASES = {
    "as it is": (map_(LYING), {"SIMILAR", "CENTRED", "STILL"}),
    "mirrored": (map_(MIRROR), {"SIMILAR", "CENTRED", "STILL"}),
    "moved by a pixel": (map_(LYING, (PIXEL, 0)), {"SIMILAR"}),
    "moved by a quarter of one": (map_(LYING, (0, PIXEL / 4)), {"SIMILAR", "CENTRED", "STILL"}),
    "cropped": (map_([[0.875, 0], [0, 0.875]]), {"SIMILAR", "CENTRED"}),
    "mirrored and cropped": (map_([[-0.875, 0], [0, 0.875]]), {"SIMILAR", "CENTRED"}),
    "turned": (map_(turned(10)), {"SIMILAR", "CENTRED"}),
    "turned and moved": (map_(turned(-7, 0.9), (PIXEL, PIXEL)), {"SIMILAR"}),
    "mirrored and turned": (map_([[-0.98, -0.2], [-0.2, 0.98]]), {"SIMILAR", "CENTRED"}),
    "stretched": (map_([[1.15, 0], [0, 1.0]]), set()),
    "sheared": (map_([[1, 0.1], [0, 1]]), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_change_is_of_its_kind(name):
    changed, kinds = CASES[name]
    found = {motion.name for motion in Motion if motion.holds(changed[None], (SIDE, SIDE))[0]}
    assert found == {"AFFINE", *kinds}


def test_the_limit_is_a_third_of_a_pixel_at_the_inner_corners():
    """A stretch of 1 + 2e along one side leaves e beside the nearest scaling, on corners INNER from the middle."""
    reach = math.hypot(INNER * SIDE / 2, INNER * SIDE / 2)
    for pixels, holds in ((0.3, True), (0.4, False)):
        stretched = map_([[1 + 2 * pixels / reach, 0], [0, 1]])
        assert Motion.SIMILAR.holds(stretched[None], (SIDE, SIDE)) == holds


def test_a_wide_picture_is_turned_in_its_own_pixels():
    """In units of half a side a turn of a wide picture looks sheared."""
    height, width = 16, 48
    half = np.array([width, height]) / 2
    linear = np.array(turned(10)) * half / half[:, None]
    assert Motion.CENTRED.holds(map_(linear)[None], (height, width))
    assert not Motion.CENTRED.holds(map_(turned(10))[None], (height, width))


def test_a_wide_picture_has_its_corners_where_they_are():
    """Of 16 rows an inner corner lies 6 from the middle: stretched by .05 it moves .3 pixels, across by .9."""
    for stretched, holds in ((map_([[1, 0], [0, 1.05]]), True), (map_([[1.05, 0], [0, 1]]), False)):
        assert Motion.STILL.holds(stretched[None], (16, 48))[0] == holds
