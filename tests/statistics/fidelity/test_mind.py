"""MIND: its value, its couplings, its error.

Mistakes seen: the factor 3 D left out, directions that are not of length 1, unequal samples cut to the shorter one, a
potential that belongs to the sorted rows, an error without that of the directions.
"""

import math

import numpy as np
import pytest

import didlearn as dl
from didlearn.errors import DataError, UsageError
from didlearn.statistics.fidelity.frechet import frechet_distance
from didlearn.statistics.fidelity.mind import mind, mind_influence


def influence(seed=0, **options):
    return mind_influence(rng=np.random.default_rng(seed), **options)


def test_of_one_feature_it_is_three_times_the_squared_distance_of_the_quantiles():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(40, 1)), rng.gumbel(size=(40, 1))
    wanted = 3 * np.mean((np.sort(real[:, 0]) - np.sort(generated[:, 0])) ** 2)
    found = dl.mind(real=real, generated=generated, directions=3)
    assert isinstance(found, float)
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(6, 4), (5, 9), (7, 200), (12, 12)])
def test_unequal_samples_are_coupled_as_if_each_row_were_there_as_often_as_makes_them_equal(n, m):
    rng = np.random.default_rng(1)
    real, generated = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)) * 2
    times = math.lcm(n, m)
    copies = {"real": np.repeat(real, times // n, axis=0), "generated": np.repeat(generated, times // m, axis=0)}
    assert mind(real=real, generated=generated) == pytest.approx(mind(**copies), rel=1e-12)


def test_a_shift_counts_three_times_its_square_and_a_scale_three_times_what_it_adds():
    """Along u a shift v moves all by u·v, and a scale c by (c − 1) u·x; the mean of (u·a)² is |a|² / D."""
    rng = np.random.default_rng(2)
    x, v = rng.normal(size=(300, 5)), np.array([1.0, -2, 0, 0, 2])
    for other, wanted in ((x + v, 3 * 9.0), (3 * x, 3 * 4 * np.square(x).sum(axis=1).mean())):
        found = influence(real=x, generated=other, directions=4000)
        error = found.along.std() / math.sqrt(4000)
        assert error < 0.03 * wanted
        assert abs(found.influences.value - wanted) < 3.5 * error
    assert mind(real=x, generated=x) == 0
    assert mind(real=x + 7, generated=3 * x + 7) == pytest.approx(mind(real=x, generated=3 * x), rel=1e-9)


def test_it_is_symmetric_and_of_a_seed():
    rng = np.random.default_rng(3)
    real, generated = rng.normal(size=(20, 4)), rng.normal(size=(31, 4)) + 1
    found = mind(real=real, generated=generated)
    assert mind(real=generated, generated=real) == pytest.approx(found, rel=1e-12)
    assert mind(real=real, generated=generated, seed=1) != found
    assert mind(real=real[::-1], generated=generated) == pytest.approx(found, rel=1e-12)


def weighted(x, y, p, q):
    """Squared distance of two weighted samples on a line, by their quantile functions."""
    i, j = np.argsort(x), np.argsort(y)
    ends = np.union1d(np.cumsum(p[i]), np.cumsum(q[j]))
    middles = ends - np.diff(ends, prepend=0) / 2
    first = np.searchsorted(np.cumsum(p[i]), middles).clip(max=len(x) - 1)
    second = np.searchsorted(np.cumsum(q[j]), middles).clip(max=len(y) - 1)
    return (np.diff(ends, prepend=0) * (x[i][first] - y[j][second]) ** 2).sum()


def test_influences_are_derivatives_by_the_weights():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=9), rng.normal(size=7) + 0.5
    found = influence(real=x[:, None], generated=y[:, None], directions=2).influences
    assert found.value == pytest.approx(3 * weighted(x, y, np.full(9, 1 / 9), np.full(7, 1 / 7)))
    step = 1e-6
    for pulls, size in ((found.real, 9), (found.generated, 7)):
        for row in range(size):
            moved = (1 - step) * np.full(size, 1 / size) + step * np.eye(size)[row]
            pair = (moved, np.full(7, 1 / 7)) if size == 9 else (np.full(9, 1 / 9), moved)
            slope = (3 * weighted(x, y, *pair) - found.value) / step
            assert pulls[row] == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize(("change", "longest"), [(0.0, 1.5), (0.3, 1.3)])
def test_intervals_cover_the_mean_at_these_numbers_of_images(change, longest):
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        pair = {"real": rng.normal(size=(80, 6)), "generated": rng.normal(size=(100, 6)) * (1 - change) + change}
        found.append(mind_influence(**pair, rng=rng, directions=100).estimate(0.95, ""))
    values = np.array([one.value for one in found])
    assert np.mean([one.low <= values.mean() <= one.high for one in found]) >= 0.91
    assert np.mean([one.high - one.low for one in found]) < longest * 3.92 * values.std()


def test_the_error_of_few_directions_is_within_the_interval():
    """All real images in one place and all generated ones in another, so that images add no error."""
    places = {"real": np.zeros((5, 8)), "generated": np.ones((9, 8))}
    found = [influence(seed, **places, directions=40).estimate(0.95, "") for seed in range(200)]
    covered = np.mean([one.low <= 24 <= one.high for one in found])
    assert 0.88 <= covered <= 0.99
    assert found[0].n == 14


def test_it_sees_what_has_the_same_two_moments():
    """Cubes' corners for a Gaussian, of mean 0 and covariance 1 both."""
    rng = np.random.default_rng(6)
    real, same = rng.normal(size=(2, 1000, 2))
    corners = rng.choice([-1.0, 1.0], size=(1000, 2))
    own, null = influence(real=real, generated=corners), influence(real=real, generated=same)
    assert own.estimate(0.99, "").low > null.estimate(0.99, "").high
    assert frechet_distance(real=real, generated=corners) < 3 * frechet_distance(real=real, generated=same) + 0.02


def test_what_is_refused():
    rows = np.zeros((5, 3))
    with pytest.raises(TypeError):
        mind(rows, rows)  # type: ignore[call-arg]
    with pytest.raises(DataError, match="generated holds 1 row; give at least 2"):
        mind(real=rows, generated=rows[:1])
    with pytest.raises(UsageError, match="directions is 0; MIND takes 1 at least"):
        mind(real=rows, generated=rows, directions=0)
