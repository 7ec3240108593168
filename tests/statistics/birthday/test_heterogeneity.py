import numpy as np
import pytest

from didlearn.statistics.birthday.heterogeneity import heterogeneity


def truth(law):
    return (law**3).sum() / (law**2).sum() ** 2


def test_an_atom_gives_one_over_its_mass():
    found = heterogeneity([500], 10_000)
    assert found.value == pytest.approx(20, rel=0.01)
    assert found.low < 20 < found.high
    # The index is one over a proportion of 500 successes.
    assert found.high / found.low == pytest.approx(np.exp(4 / np.sqrt(500)), rel=0.1)


def test_equally_likely_images_give_one(cluster_sizes):
    found = heterogeneity(cluster_sizes(np.full(2000, 1 / 2000), 20_000, np.random.default_rng(0)), 20_000)
    assert found.value == pytest.approx(1, abs=0.05)
    assert found.low == 1


def test_without_a_pair_nothing_is_said():
    found = heterogeneity([], 1000)
    assert found.value is None
    assert found.high is None
    assert found.low == 1


def test_without_a_triple_there_is_a_high_end():
    few, many = heterogeneity([2], 1000), heterogeneity([2] * 20, 1000)
    assert few.value == few.low == 1  # no index lies below 1, nor outside its own interval
    assert few.high == pytest.approx(400 * many.high)
    assert many.high > 10


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("5 % atom 2000", 500),
        ("5 % atom 10000", 3000),
        ("uniform 10000", 3000),
        ("two levels 2000", 3000),
        ("Zipf 2 10000", 500),
    ],
)
def test_intervals_cover(name, samples, laws, cluster_sizes, covered):
    rng, law = np.random.default_rng(1), laws[name]
    found = [heterogeneity(cluster_sizes(law, samples, rng), samples) for _ in range(200)]
    assert covered(found, truth(law)) >= 0.92
