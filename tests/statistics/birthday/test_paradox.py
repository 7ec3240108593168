import math

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.paradox import (
    batch_support_bound,
    birthday_bound,
    collision_rate_lower_bound,
    collision_rate_paley_zygmund,
    collision_rate_uniform,
    printed_beta_bound,
    printed_theorem1,
    printed_theorem2,
    set_mass_bound,
    set_mass_bound_capped,
)


@pytest.mark.parametrize(
    ("batch_size", "support"),
    [(1200, 1_038_275), (800, 461_352), (500, 180_143), (300, 64_805), (200, 28_776), (100, 7_175), (50, 1_784)],
)
def test_half_the_batches_colliding(batch_size, support):
    assert birthday_bound(0.5, batch_size) == pytest.approx(support, abs=1)


@pytest.mark.parametrize("batch_size", [2, 3, 23, 800, 20_000])
@pytest.mark.parametrize("rate", [1e-9, 0.01, 0.5, 0.999])
def test_the_bound_inverts_the_rate(rate, batch_size):
    assert collision_rate_uniform(birthday_bound(rate, batch_size), batch_size) == pytest.approx(rate, rel=1e-9)


def test_twenty_three_people():
    assert collision_rate_uniform(365, 23) == pytest.approx(0.507297, abs=1e-6)
    assert collision_rate_uniform(10, 11) == 1
    assert collision_rate_uniform(10, 10) < 1
    assert collision_rate_uniform(10, 1) == 0


@pytest.mark.parametrize("rate", [1e-300, 1 - 1e-16])
@pytest.mark.parametrize("batch_size", [2, 3, 800])
def test_extreme_rates_have_finite_bounds(rate, batch_size):
    bound = birthday_bound(rate, batch_size)
    assert batch_size - 1 <= bound < math.inf


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, math.nan])
def test_a_rate_outside_the_open_interval_is_refused(rate):
    with pytest.raises(UsageError, match="strictly between 0 and 1"):
        birthday_bound(rate, 800)


def test_a_batch_of_one_is_refused():
    with pytest.raises(UsageError, match="at least 2 images, got 1"):
        birthday_bound(0.5, 1)


@pytest.mark.parametrize(
    ("support", "mass", "batch_size", "exact", "printed"),
    [
        (10**6, 0.5, 800, 0.0768, 0.1477),
        (10**4, 0.5, 100, 0.1163, 0.2193),
        (10**4, 0.3, 600, 0.7995, 0.9954),
        (640_000, 0.9, 800, 0.3328, 0.3620),
        (10**4, 1, 100, 0.3914, 0.3904),
    ],
)
def test_theorem_1_correct_and_printed(support, mass, batch_size, exact, printed):
    assert collision_rate_lower_bound(support, mass, batch_size) == pytest.approx(exact, abs=5e-5)
    assert printed_theorem1(support, mass, batch_size) == pytest.approx(printed, abs=1e-4)


def test_theorem_1_is_attained_and_the_printed_one_exceeds_the_truth():
    rng = np.random.default_rng(0)
    N, mass, M, trials = 300, 0.4, 40, 20_000
    draws = rng.integers(N, size=(trials, M))
    # What falls outside the set never repeats.
    draws = np.where(rng.random((trials, M)) < mass, draws, N + np.arange(M))
    seen = float((np.diff(np.sort(draws, axis=1), axis=1) == 0).any(axis=1).mean())
    error = 4 * math.sqrt(seen * (1 - seen) / trials)
    assert collision_rate_lower_bound(N, mass, M) == pytest.approx(seen, abs=error)
    assert printed_theorem1(N, mass, M) > seen + error


def test_with_all_the_mass_theorem_1_is_the_uniform_rate():
    assert collision_rate_lower_bound(1000, 1, 30) == pytest.approx(collision_rate_uniform(1000, 30), rel=1e-9)
    assert collision_rate_lower_bound(5, 1, 6) == pytest.approx(1)


def test_printed_beta_bound():
    rate = collision_rate_uniform(640_000, 800)
    assert rate == pytest.approx(0.39322, abs=1e-4)
    assert printed_beta_bound(rate, 800) == pytest.approx(640_801, abs=1)
    assert printed_beta_bound(rate, 800) > birthday_bound(rate, 800)


def test_printed_theorem_2_has_a_counter_example():
    p, M = 0.03, 60
    rate = 1 - (1 - p) ** M - M * p * (1 - p) ** (M - 1)
    assert rate == pytest.approx(0.5408, abs=5e-5)
    assert printed_theorem2(rate, M, 0.99) == pytest.approx(2982, abs=1)
    # The effective support of that law is 1/p²: what is true of it.
    assert birthday_bound(rate, M) >= 1 / p**2
    assert printed_theorem2(rate, M, 0.5) is None


def test_the_uniform_inversion_bounds_the_effective_support_of_other_laws():
    rng = np.random.default_rng(1)
    law = np.r_[0.02, np.full(3000, 0.98 / 3000)]
    draws = np.searchsorted(np.cumsum(law)[:-1], rng.random((20_000, 60)))
    rate = float((np.diff(np.sort(draws, axis=1), axis=1) == 0).any(axis=1).mean())
    error = 4 * math.sqrt(rate * (1 - rate) / 20_000)
    assert birthday_bound(rate - error, 60) >= 1 / (law**2).sum()


def test_the_mass_of_a_set():
    beta, p = 1111.0, 0.03
    t = 1 / (2 * beta)
    bound = set_mass_bound(beta, t)
    assert bound == pytest.approx((2 * beta) ** -0.5, rel=0.02)
    # One atom with a rest at the threshold attains it.
    assert bound * (bound - t) == pytest.approx(1 / beta - t, rel=1e-9)
    assert bound < p + t
    assert set_mass_bound_capped(1000, 1 / 2000, 2 / 1000) == pytest.approx(1 / 3)
    assert set_mass_bound_capped(1000, 1 / 2000, 1 / 1000) == 1


@pytest.mark.parametrize("threshold", [0, 0.01, 0.02])
def test_a_threshold_beyond_the_average_is_refused(threshold):
    with pytest.raises(UsageError, match=r"1/β = 0\.01"):
        set_mass_bound(100, threshold)


def test_a_cap_below_the_average_is_refused():
    with pytest.raises(UsageError, match="cap"):
        set_mass_bound_capped(100, 0.001, 0.005)


def test_paley_zygmund_lies_below_the_rate():
    N, M = 5000, 60
    bound = collision_rate_paley_zygmund(1 / N, M, 1 / N**2)
    assert 0.6 * collision_rate_uniform(N, M) < bound <= collision_rate_uniform(N, M)
    p, M = 0.03, 60
    rate = 1 - (1 - p) ** M - M * p * (1 - p) ** (M - 1)
    assert 0.1 < collision_rate_paley_zygmund(p**2, M) <= rate


def test_batches_bound_the_support():
    assert batch_support_bound(800, 20, 10).high == pytest.approx(889_353, abs=1)
    assert batch_support_bound(800, 100, 50).high == pytest.approx(599_004, abs=1)
    none = batch_support_bound(800, 20, 0)
    assert none.value is None
    assert none.high is None
