"""Grey planes, and reading between their pixels, against scipy and by hand."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from didlearn.alignment import planes as module
from didlearn.alignment.planes import (
    PLANE_SIDE,
    Planes,
    carried,
    grey_planes,
    lattice,
    planes_of,
    sampled,
    smoothed,
)
from didlearn.images import open_images

RNG = np.random.default_rng(0)


def test_grey_is_the_mean_of_the_channels_in_zero_to_one():
    colours = RNG.integers(256, size=(3, 3, 16, 16), dtype=np.uint8)
    assert grey_planes(colours).numpy() == pytest.approx(colours.mean(1) / 255, abs=1e-6)
    assert grey_planes(colours / np.float32(255)).numpy() == pytest.approx(colours.mean(1) / 255, abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "side"), [((12, 20), 20), ((20, 12), 20), ((16, 16), 16), ((64, 16), PLANE_SIDE), ((96, 96), PLANE_SIDE)]
)
def test_a_plane_is_as_long_as_the_longer_side_and_no_longer_than_the_limit(shape, side):
    assert grey_planes(np.zeros((2, 1, *shape), np.uint8)).shape == (2, side, side)


def test_large_pictures_are_averaged_over_areas():
    large = RNG.integers(256, size=(1, 1, 96, 96), dtype=np.uint8)
    cells = large.reshape(1, 32, 3, 32, 3).mean((2, 4)) / 255
    assert grey_planes(large).numpy() == pytest.approx(cells, abs=1e-5)


def test_a_few_at_a_time_are_the_same_as_all(monkeypatch):
    pictures = RNG.integers(256, size=(7, 3, 16, 16), dtype=np.uint8)
    whole = grey_planes(pictures)
    for most in (1, 3 * 16 * 16, 2 * 3 * 16 * 16 + 5):  # less than a picture, one, two
        monkeypatch.setattr(module, "BATCH_BYTES", most)
        assert torch.equal(grey_planes(pictures), whole)
        assert torch.equal(planes_of(open_images(pictures), [4, 0, 6]), whole[[4, 0, 6]])


def test_no_pictures_are_no_planes():
    assert grey_planes(np.zeros((0, 1, 16, 16), np.uint8)).shape[0] == 0


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 12, 20), (3, 48, 48)])
@pytest.mark.parametrize("floating", [False, True])
def test_planes_made_when_they_are_asked_for_are_those_made_at_once(shape, floating):
    stored = RNG.integers(256, size=(50, *shape), dtype=np.uint8)
    pictures = stored / np.float32(255) if floating else stored
    whole, chosen = grey_planes(pictures), np.array([40, 3, 3, 17, 49])
    for planes in (Planes.of(pictures), Planes.kept(whole)):
        assert len(planes) == 50
        assert torch.equal(planes[5:20], whole[5:20])
        for index in ([], [30, 2, 2, 7]):
            assert torch.equal(planes[torch.tensor(index, dtype=torch.int64)], whole[index])
        some = planes.some(chosen)
        assert len(some) == 5
        assert torch.equal(some[1:4], whole[chosen[1:4]])
        assert torch.equal(some.some(slice(2))[torch.tensor([1, 0])], whole[[3, 40]])


@pytest.mark.parametrize("sigma", [0.5, 1.6])
def test_smoothing_is_that_of_scipy(sigma):
    planes = RNG.random((2, 16, 16)).astype(np.float32)
    reach = int(np.ceil(3 * sigma))
    expected = np.stack([gaussian_filter(plane, sigma, mode="nearest", radius=reach) for plane in planes])
    assert smoothed(torch.from_numpy(planes), sigma).numpy() == pytest.approx(expected, abs=1e-5)


def test_points_are_read_between_pixels_and_the_border_is_repeated():
    """Pixel centres of a side of 4 lie at -.75, -.25, .25 and .75."""
    plane = torch.arange(16.0).view(1, 1, 4, 4)
    points = torch.tensor([[[-0.75, -0.75], [0.25, -0.25], [0.5, -0.25], [0.25, 0.0], [1.0, 1.0], [-2.0, 0.75]]])
    assert sampled(plane, points)[0, 0].tolist() == pytest.approx([0, 6, 6.5, 8, 15, 12])


def test_the_lattice_is_of_cell_centres():
    points = lattice(2, 0.8, torch.device("cpu"))
    assert points.T.tolist() == [
        pytest.approx(p) for p in ([-0.4, -0.4, 1], [0.4, -0.4, 1], [-0.4, 0.4, 1], [0.4, 0.4, 1])
    ]


def test_points_are_carried_by_affine_maps():
    maps = torch.tensor([[[2.0, 1.0, 0.5], [0.0, -1.0, 0.25]]])
    assert carried(maps, torch.tensor([[1.0, 0.0], [2.0, 0.0], [1.0, 1.0]])).tolist() == [[[4.5, -1.75], [0.5, 0.25]]]
