"""How often a generated image is nearer: oracle on Gaussians, calibration where the groups differ."""

import numpy as np
import pytest
from scipy.stats import norm

from didlearn.errors import UsageError
from didlearn.statistics.copying.data_copying import data_copying
from didlearn.statistics.copying.placement import closer_than_heldout, copying_interval, placements


def test_share_is_the_count_of_pairs():
    rng = np.random.default_rng(0)
    g, h = rng.integers(0, 9, 40).astype(float), rng.integers(0, 9, 30).astype(float)
    expected = np.mean((g[:, None] < h) + 0.5 * (g[:, None] == h))
    assert placements(g, h)[0] == pytest.approx(expected)
    assert placements(h, g)[0] == pytest.approx(1 - expected)


@pytest.mark.parametrize("shift", [0.0, 0.7, 2.0])
def test_intervals_cover_where_the_groups_differ(shift):
    truth, covered = norm.cdf(shift / np.sqrt(1 + 0.25)), 0
    for trial in range(300):
        rng = np.random.default_rng(trial)
        found = closer_than_heldout(rng.normal(-shift, 0.5, 200), rng.normal(0, 1, 80))
        covered += found.low <= truth <= found.high
    assert covered >= 0.93 * 300


def test_complete_separation_keeps_a_width():
    found = closer_than_heldout(np.zeros(50), np.ones(50))
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.9 < found.low < 1


def test_one_image_is_too_few():
    with pytest.raises(UsageError, match="two images"):
        closer_than_heldout(np.zeros(1), np.ones(5))


def test_interval_of_the_cell_statistic_covers_its_mean():
    def draw(rng):
        cells = rng.integers(0, 3, 240), rng.integers(0, 3, 150)
        g, h = rng.normal(-0.4 * cells[0], 1), rng.normal(0, 1, 150)
        found = data_copying(generated=g, heldout=h, generated_cells=cells[0], heldout_cells=cells[1])
        return found.cell_z, copying_interval(found.cells, (g, cells[0]), (h, cells[1]), 0.95)

    runs = [draw(np.random.default_rng(trial)) for trial in range(300)]
    mean = np.mean([z for z, _ in runs])
    assert sum(low <= mean <= high for _, (low, high) in runs) >= 0.92 * 300
