import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.batch_fit import fit_effective_support
from didlearn.statistics.birthday.paradox import birthday_bound, collision_rate_uniform


def test_one_size_is_the_birthday_inversion():
    found = fit_effective_support([800], [20], [10])
    assert found.value == pytest.approx(461_352, abs=1)
    assert found.low < found.value < found.high


def test_exact_rates_give_the_support_back():
    sizes, batches = [100, 200, 400], [10**6] * 3
    collisions = [round(10**6 * collision_rate_uniform(50_000, m)) for m in sizes]
    found = fit_effective_support(sizes, batches, collisions)
    assert found.value == pytest.approx(50_000, rel=1e-4)
    assert found.high / found.low < 1.01


def test_no_batch_collides():
    found = fit_effective_support([800], [20], [0])
    assert found.value is None
    assert found.high is None
    assert found.low == pytest.approx(birthday_bound(1 - 0.025 ** (1 / 20), 800), rel=1e-6)


def test_every_batch_collides():
    found = fit_effective_support([800, 100], [20, 5], [20, 5])
    assert found.value is None
    assert found.low is None
    rates = collision_rate_uniform(found.high, 800) ** 20 * collision_rate_uniform(found.high, 100) ** 5
    assert rates == pytest.approx(0.025, rel=1e-6)


@pytest.mark.parametrize(("sizes", "batches"), [([800], [20]), ([200, 400, 800, 1200], [10] * 4), ([800], [5])])
def test_intervals_cover(sizes, batches, covered):
    rng, truth = np.random.default_rng(0), 461_352
    rates = [collision_rate_uniform(truth, m) for m in sizes]
    found = [fit_effective_support(sizes, batches, rng.binomial(batches, rates)) for _ in range(150)]
    assert covered(found, truth) >= 0.92


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([800, 400], [20], [10]), "lengths 2, 1 and 1"),
        (([800], [20], [21]), "between 0"),
        (([1], [20], [1]), "at least 2"),
    ],
)
def test_impossible_counts_are_refused(columns, message):
    with pytest.raises(UsageError, match=message):
        fit_effective_support(*columns)
