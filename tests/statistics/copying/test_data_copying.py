import numpy as np
import pytest
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.datasets import make_moons
from sklearn.neighbors import NearestNeighbors

from didlearn.errors import UsageError
from didlearn.statistics.copying.data_copying import data_copying


@pytest.fixture(scope="module")
def moons():
    """sigma -> the test on a kernel density model of bandwidth sigma over the training points."""
    train, heldout = (make_moons(n, noise=0.2, random_state=s)[0] for n, s in ((2000, 0), (1000, 1)))
    cells, neighbours = KMeans(5, n_init=10, random_state=0).fit(train), NearestNeighbors(n_neighbors=1).fit(train)

    def run(sigma):
        rng = np.random.default_rng(0)
        generated = train[rng.integers(2000, size=1000)] + sigma * rng.normal(size=(1000, 2))
        return data_copying(
            generated=neighbours.kneighbors(generated)[0][:, 0],
            heldout=neighbours.kneighbors(heldout)[0][:, 0],
            generated_cells=cells.predict(generated),
            heldout_cells=cells.predict(heldout),
        )

    return run


@pytest.mark.parametrize(
    ("sigma", "z", "cell_z"),
    [
        (0.001, -38.5, -17.4),
        (0.01, -26.4, -11.9),
        (0.03, -8.3, -3.7),
        (0.2, 3.4, 1.5),
        (0.5, 12.7, 5.7),
        (1, 23, 10.1),
        (10, 38.4, 16.3),
    ],
)
def test_moons(moons, sigma, z, cell_z):
    found = moons(sigma)
    assert found.z == pytest.approx(z, abs=2)
    assert found.cell_z == pytest.approx(cell_z, abs=1)
    assert (found.p_copying < 0.01) == (z < -5)
    assert (found.cell_p_copying < 0.01) == (z < -5)
    assert len(found.cells) == 5


def test_moons_cross_zero_at_the_best_bandwidth(moons):
    assert moons(0.06).z < 0 < moons(0.16).z


def test_it_is_the_mann_whitney_test():
    rng = np.random.default_rng(0)
    g, h = rng.integers(10, size=60).astype(float), rng.integers(10, size=80).astype(float) + 1
    found = data_copying(generated=g, heldout=h)
    peer = stats.mannwhitneyu(g, h, alternative="less", method="asymptotic", use_continuity=False)
    assert found.p_copying == pytest.approx(peer.pvalue)
    assert found.cell_z == pytest.approx(found.z)


def test_swapping_the_sets_changes_the_sign():
    g, h = np.random.default_rng(0).random((2, 50))
    assert data_copying(generated=g, heldout=h).z == pytest.approx(-data_copying(generated=h, heldout=g).z)


def test_equal_distances_say_nothing():
    found = data_copying(generated=np.ones(30), heldout=np.ones(30))
    assert found.z == 0
    assert found.p_copying == pytest.approx(0.5)
    assert found.p_two_sided == 1


def test_copying_in_one_cell_and_underfitting_in_another_shows_by_cell():
    rng = np.random.default_rng(0)
    g = np.r_[rng.random(200) * 0.2, rng.random(200) * 5]
    h = rng.random(400)
    cell = np.repeat([0, 1], 200)
    found = data_copying(generated=g, heldout=h, generated_cells=cell, heldout_cells=cell)
    assert found.cells[0].z < -10
    assert found.cells[1].z > 10


def test_cells_are_weighted_by_heldout_images_and_small_ones_left_out():
    rng = np.random.default_rng(1)
    g, h = rng.random(130), rng.random(145)
    g_cell, h_cell = np.repeat([0, 1, 2], [50, 70, 10]), np.repeat([0, 1, 3], [100, 40, 5])
    found = data_copying(generated=g, heldout=h, generated_cells=g_cell, heldout_cells=h_cell)
    z = {c.cell: c.z for c in found.cells}
    assert z[2] is None
    assert z[3] is None
    assert found.cell_z == pytest.approx((100 * z[0] + 40 * z[1]) / 140)
    spread = np.hypot(100, 40) / 140
    assert found.cell_p_copying == pytest.approx(stats.norm.cdf(found.cell_z / spread))


def test_no_cell_with_enough_images_has_no_average():
    found = data_copying(generated=np.arange(5.0), heldout=np.arange(6.0))
    assert found.cell_z is None
    assert found.cell_p_copying is None
    assert 0 < found.p_copying < 1


# 39 permutations place a p-value to a fortieth: kstest rejects at four times that.
@pytest.mark.parametrize("permutations", [0, 39, pytest.param(99, marks=pytest.mark.slow)])
@pytest.mark.parametrize("ties", [False, True])
def test_p_values_are_uniform_under_the_null(permutations, ties):
    rng = np.random.default_rng(2)
    ps = []
    for _ in range(300):
        g, h = rng.random(60), rng.random(80)
        g, h = (np.ceil(5 * g), np.ceil(5 * h)) if ties else (g, h)
        cells = {"generated_cells": rng.integers(2, size=60), "heldout_cells": rng.integers(2, size=80)}
        found = data_copying(generated=g, heldout=h, **cells, minimum=10, permutations=permutations, rng=rng)
        ps.append((found.p_copying, found.p_two_sided, found.cell_p_copying, found.cell_p_two_sided))
    for p in np.array(ps).T:
        assert stats.kstest(p, "uniform").pvalue > 0.005
        assert 0.02 <= (p <= 0.05).mean() <= 0.09


def test_permutations_are_valid_for_tiny_samples_and_find_copies():
    rng = np.random.default_rng(3)
    null = [
        data_copying(generated=rng.random(4), heldout=rng.random(5), permutations=99, rng=rng).p_copying
        for _ in range(300)
    ]
    assert np.mean(np.array(null) <= 0.05) <= 0.08
    found = data_copying(generated=np.zeros(6), heldout=rng.random(8), permutations=999, rng=rng)
    assert found.p_copying < 0.005
    assert found.permutations == 999


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_planted_copies_are_found(share):
    rng = np.random.default_rng(4)
    g, h = 1 + rng.random(1000), 1 + rng.random(1000)
    g[: int(1000 * share)] *= 1e-3
    assert data_copying(generated=g, heldout=h).p_copying < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"generated": np.zeros(0), "heldout": np.ones(3)}, "generated must be one list"),
        ({"generated": np.ones(3), "heldout": np.ones((3, 1))}, r"heldout must be one list.*\(3, 1\)"),
        ({"generated": np.ones(3), "heldout": np.array([1, np.nan])}, "without NaN"),
        ({"generated": np.ones(3), "heldout": np.ones(3), "generated_cells": np.zeros(3)}, "of neither"),
        ({"generated": np.ones(3), "heldout": np.ones(3), "permutations": 9}, "rng="),
        (
            {
                "generated": np.ones(3),
                "heldout": np.ones(3),
                "generated_cells": np.ones(2),
                "heldout_cells": np.ones(3),
            },
            "one cell per image",
        ),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        data_copying(**arguments)
