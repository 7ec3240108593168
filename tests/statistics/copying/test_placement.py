"""How often a generated image is nearer: oracle on Gaussians, calibration where the groups differ."""

import numpy as np
import pytest
from scipy.stats import norm

from didlearn.errors import UsageError
from didlearn.statistics.copying.data_copying import CellCopying, data_copying
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


def test_the_interval_by_hand():
    """Placements 1/50 … 1 have the mean .51 and the variance .085 in either group: an error of √(2 · .085 / 50)."""
    near, far = interleaved(50)
    found = closer_than_heldout(near, far, 0.9)
    step = 1.6448536 * np.sqrt(0.0034) / (0.51 * 0.49)
    ends = [1 / (1 + np.exp(-np.log(0.51 / 0.49) - side * step)) for side in (-1, 0, 1)]
    assert [found.low, found.value, found.high] == pytest.approx(ends)
    assert (found.n, found.level) == (100, 0.9)


def test_two_images_of_each_kind_are_enough():
    """Where one kind is nearer throughout, the bound is that of two images that all fell on one side."""
    found = closer_than_heldout(np.zeros(2), np.ones(3), 0.5)
    assert (found.low, found.value, found.high) == (0.5, 1, 1)
    found = closer_than_heldout(np.ones(3), np.zeros(2), 0.5)
    assert (found.low, found.value, found.high) == (0, 0, 0.5)


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


def interleaved(n, start=0.0):
    """Distances in turn, the generated image nearest: each group's placements are 1/n, …, 1."""
    return start + np.arange(0, 2 * n, 2.0), start + np.arange(1, 2 * n, 2.0)


def test_the_interval_of_the_cell_statistic_by_hand():
    """The variance is n (n + 1) / 12 / n² · 2/n, without a difference (2n + 1) / 12n²: their ratio (2n + 2) / (2n + 1).

    Cells of 50 and of 25 held-out images weigh 2/3 and 1/3; one without a statistic does not count.
    """
    (g, h), (other_g, other_h) = interleaved(50), interleaved(25)
    cells = (CellCopying(0, 50, 50, -1.0), CellCopying(1, 25, 25, 2.0), CellCopying(2, 1, 100, None))
    generated = np.concatenate([g, other_g]), np.repeat([0, 1], [50, 25])
    heldout = np.concatenate([h, other_h]), np.repeat([0, 1], [50, 25])
    half = 1.9599640 * np.sqrt(4 / 9 * 102 / 101 + 1 / 9 * 52 / 51)
    assert copying_interval(cells, generated, heldout, 0.95) == pytest.approx((-half, half))


def test_where_all_are_nearer_the_interval_is_that_of_so_many_images():
    """No variance is seen: the placement may be as far from 1 as .25^(1/2) of two images allows."""
    cells = (CellCopying(0, 2, 2, -1.5),)
    generated, heldout = (np.array([0.0, 1]), np.zeros(2, int)), (np.array([2.0, 3]), np.zeros(2, int))
    half = 0.5 / np.sqrt(5 / 48)
    assert copying_interval(cells, generated, heldout, 0.5) == pytest.approx((-1.5 - half, -1.5 + half))
