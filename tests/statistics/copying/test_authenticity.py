import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from didlearn.errors import UsageError
from didlearn.statistics.copying.authenticity import authenticity, copied_fraction


def of_points(train, generated):
    neighbours = NearestNeighbors(n_neighbors=2).fit(train)
    distance, index = neighbours.kneighbors(generated, n_neighbors=1)
    gap = neighbours.kneighbors(train)[0][:, 1]
    return authenticity(nearest_distance=distance[:, 0], nearest_index=index[:, 0], train_gap=gap)


def test_golden_numbers():
    rng = np.random.RandomState(0)
    real = rng.normal(size=(1000, 64))
    generated = rng.normal(size=(1000, 64)) * 0.95 + 0.1
    assert of_points(real, generated).value == pytest.approx(0.744, abs=1e-9)
    generated[500:] = real[:500]
    assert of_points(real, generated).value == pytest.approx(0.356, abs=1e-9)


def test_the_gap_is_that_of_the_nearest_training_image():
    gap = np.array([1.0, 5.0])
    found = authenticity(nearest_distance=np.array([2.0, 2.0]), nearest_index=np.array([0, 1]), train_gap=gap)
    assert found.value == 0.5
    tie = authenticity(nearest_distance=np.array([1.0]), nearest_index=np.array([0]), train_gap=gap)
    assert tie.value == 0


def test_authenticity_refuses_arrays_that_do_not_fit():
    with pytest.raises(UsageError, match="shapes"):
        authenticity(nearest_distance=np.ones(2), nearest_index=np.zeros(3, int), train_gap=np.ones(4))
    with pytest.raises(UsageError, match="4 training images"):
        authenticity(nearest_distance=np.ones(1), nearest_index=np.array([4]), train_gap=np.ones(4))
    with pytest.raises(UsageError, match="at least one"):
        authenticity(nearest_distance=np.ones(0), nearest_index=np.zeros(0, int), train_gap=np.ones(4))


@pytest.mark.parametrize("fraction", [0, 0.02, 0.1, 0.5, 0.95, 1])
@pytest.mark.parametrize("chance", [0, 0.02, 0.3])
def test_copied_fraction_covers(fraction, chance, covered):
    rng = np.random.default_rng(0)
    rate = fraction + (1 - fraction) * chance
    found = [copied_fraction(rng.binomial(1000, rate), 1000, rng.binomial(500, chance), 500) for _ in range(600)]
    assert covered(found, fraction) >= 0.925
    assert np.mean([e.value for e in found]) == pytest.approx(fraction, abs=0.02)
    assert all(e.low <= e.value <= e.high for e in found)


def test_copied_fraction_at_the_ends():
    none = copied_fraction(0, 1000, 0, 1000)
    assert none.value == none.low == 0
    assert 0.002 < none.high < 0.01
    every = copied_fraction(1000, 1000, 0, 1000)
    assert every.value == every.high == 1
    assert 0.99 < every.low < 1
    fewer = copied_fraction(0, 1000, 900, 1000)
    assert fewer.value == fewer.low == 0
    assert fewer.high == pytest.approx(1 - 0.025 ** (1 / 1000))  # no match at all: a share above 0 stays open
    blind = copied_fraction(5, 10, 20, 20)
    assert blind.value is None
    assert (blind.low, blind.high) == (0, 1)


def test_chance_matches_are_not_copies():
    assert copied_fraction(300, 1000, 300, 1000).low == 0
    assert copied_fraction(300, 1000, 300, 1000).value == 0
    assert copied_fraction(300, 1000, 0, 1000).value == pytest.approx(0.3)
    assert copied_fraction(650, 1000, 300, 1000).value == pytest.approx(0.5)


@pytest.mark.parametrize("counts", [(11, 10, 0, 10), (1, 10, 0, 0), (1, 10, -1, 5)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(UsageError, match="got"):
        copied_fraction(*counts)
