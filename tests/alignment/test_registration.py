"""Gauss–Newton finds a known map, whatever the light."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from didlearn.alignment.planes import carried, grey_planes, lattice, sampled, smoothed
from didlearn.alignment.registration import PlanePairs, correlations, line_up_planes
from tests.alignment.pictures import scenes

MAPS = [
    [[1.0, 0.0, 0.06], [0.0, 1.0, -0.09]],
    [[0.95, 0.05, 0.0], [-0.05, 0.95, 0.0]],
    [[0.9, 0.0, 0.02], [0.0, 1.04, 0.0]],
]


def seen_through(originals, map_):
    """What the originals look like through a map, read at every pixel."""
    side = originals.shape[-1]
    points = carried(torch.tensor(map_).expand(len(originals), 2, 3), lattice(side, 1.0, originals.device))
    return sampled(originals[:, None], points).view(-1, side, side)


@pytest.mark.parametrize("map_", MAPS)
def test_a_known_map_is_found(map_):
    originals = smoothed(grey_planes(scenes(30, seed=0)), 1.0)
    start = torch.eye(2, 3).expand(30, 2, 3)
    found = line_up_planes(PlanePairs.of(0.7 * seen_through(originals, map_) + 0.1, originals), start, steps=8)
    error = (found.maps - torch.tensor(map_)).abs().amax((1, 2))
    assert float(error.median()) < 0.01
    assert float(found.score.median()) < 1e-3


def test_more_steps_fit_no_worse():
    originals = smoothed(grey_planes(scenes(30, seed=0)), 1.0)
    seen, start = seen_through(originals, MAPS[0]), torch.eye(2, 3).expand(30, 2, 3)
    scores = [
        float(line_up_planes(PlanePairs.of(seen, originals), start, steps=steps).score.mean()) for steps in (0, 2, 6)
    ]
    assert scores[0] > 5 * scores[1] >= 5 * scores[2]


def test_the_score_does_not_depend_on_light():
    planes = grey_planes(scenes(10, seed=0))
    start = torch.eye(2, 3).expand(10, 2, 3)
    plain, lit = (
        line_up_planes(PlanePairs.of(query, planes), start, steps=0).score
        for query in (planes.flip(0), 0.5 * planes.flip(0) + 0.2)
    )
    assert torch.allclose(plain, lit, atol=1e-5)


def test_correlation_is_that_of_numpy_and_0_for_flat_rows():
    rng = np.random.default_rng(0)
    a, b = rng.random((4, 50)).astype(np.float32), rng.random((4, 50)).astype(np.float32)
    b[3] = 0.5
    wanted = [np.corrcoef(x, y)[0, 1] for x, y in zip(a[:3], b[:3], strict=True)] + [0.0]
    assert correlations(torch.from_numpy(a), torch.from_numpy(b)).numpy() == pytest.approx(wanted, abs=1e-5)


def blur(planes, sigma):
    """Blur planes (n, S, S) by scipy."""
    return np.stack([gaussian_filter(plane, sigma, mode="nearest", radius=math.ceil(3 * sigma)) for plane in planes])


def inner_pixels(planes, sigma):
    """The 24 of 32 pixels a side that are compared."""
    return blur(planes.numpy(), sigma)[:, 4:28, 4:28]


def test_both_misfits_are_one_minus_the_correlation_of_inner_pixels():
    """In place: .7 pixels of blur for the score, and 1.5 more for what blurred pictures leave."""
    queries = grey_planes(scenes(8, seed=0))
    others = (queries + 0.2 * torch.randn(queries.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    found = line_up_planes(PlanePairs.of(queries, others), torch.eye(2, 3).expand(8, 2, 3), steps=0)
    read = [inner_pixels(planes, 0.7) for planes in (queries, others)]
    blurred = [blur(rows, 1.5) for rows in read]
    for misfit, (first, second) in ((found.score, read), (found.rough(), blurred)):
        known = [1 - np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
        assert misfit.numpy() == pytest.approx(known, abs=1e-4)
    assert (found.rough() < found.score).all()


def test_rows_that_hardly_vary_are_flat():
    """Of 400 pixels: a standard deviation below .001 is flat, one above is not."""
    generator = torch.Generator().manual_seed(0)
    row = torch.randn(1, 400, generator=generator)
    row = (row - row.mean()) / row.norm() * 20
    for deviation, known in ((0.0008, False), (0.0012, True)):
        assert (correlations(deviation * row + 0.5, row)[0] != 0) == known
        assert (correlations(row, deviation * row + 0.5)[0] != 0) == known
