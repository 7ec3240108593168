"""Relative support: pairs within each image's own distance to real ones."""

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.neighbors import nearest
from didlearn.neighbors.balls import count_in_balls
from didlearn.result.values import Estimate
from didlearn.statistics.relative_support import NearReal, near_pairs, ratio_of


def measured(generated, reference, k=1):
    radius = nearest(generated, reference, k=k).distance[:, k - 1]
    counts = count_in_balls(generated, radius, generated)
    return near_pairs(counts.of_centre - 1, counts.of_point - 1, len(reference), k)


def points(rng, count, share=1.0, scale=1.0):
    """A smooth law on a square, or its part of a mass ``share``."""
    return rng.random((count, 2)).astype(np.float32) * np.array([share, 1.0], np.float32) * np.float32(scale)


def test_the_rate_is_counted_by_hand():
    # 3 images: 0 sees 1 and 2, 1 sees 0, 2 sees nobody: 3 of 6 ordered pairs; of 9 real ones the second: null 2/10.
    found = near_pairs(np.array([2, 1, 0]), np.array([1, 1, 1]), 9, 2)
    assert found.rate == 0.5
    assert found.ratio == pytest.approx(2.5)
    # half sums over n−1: 3/4, 2/4, 1/4, of variance 1/16: 4/3 · 1/16 less (1/2)/6 is 0, and no less than (1/2)/6
    assert found.variance == pytest.approx(1 / 12)
    wide = near_pairs(np.array([9, 0, 0, 0]), np.array([0, 3, 3, 3]), 9, 1)
    # half sums 9/6 and thrice 3/6, of variance 1/4: 4/4 · 1/4 less (9/12)/12
    assert wide.variance == pytest.approx(1 / 4 - 1 / 16)


def test_a_perfect_generator_has_ratio_one_whatever_law_scale_and_neighbour():
    """The rank of a further sample among N+1 distances is uniform: the mean over data sets is 1."""
    for k, scale in ((1, 1.0), (4, 1000.0)):
        found = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            found.append(measured(points(rng, 150, scale=scale) ** 3, points(rng, 100, scale=scale) ** 3, k).ratio)
        error = np.std(found, ddof=1) / np.sqrt(len(found))
        assert abs(np.mean(found) - 1) < 3.5 * error


@pytest.mark.parametrize("trials", [20, pytest.param(40, marks=pytest.mark.slow)])
def test_a_generator_of_half_the_data_has_ratio_two(trials):
    found = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        found.append(measured(points(rng, 300, share=0.5), points(rng, 1_000)).ratio)
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - 2) < 3.5 * error + 0.05  # balls that cross the border see less: of order 1/√N


def test_more_samples_narrow_the_interval_and_do_not_move_it():
    rng = np.random.default_rng(1)
    reference = points(rng, 1_000)
    few, many = (measured(points(rng, n, share=0.25), reference) for n in (500, 4_000))
    widths = [np.diff(found.interval(0.95))[0] for found in (few, many)]
    assert widths[1] < widths[0] / 2
    low, high = few.interval(0.99)
    assert low < many.ratio < high


@pytest.mark.parametrize("trials", [40, pytest.param(150, marks=pytest.mark.slow)])
def test_the_interval_of_the_ratio_to_held_out_images_covers(trials):
    covered = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        reference = points(rng, 200)
        own, control = (measured(points(rng, n), reference).estimate(0.95) for n in (600, 200))
        found = ratio_of(own, control)
        covered.append(found.low <= 1 <= found.high)
    # At least 95 %: the reference set's own luck cancels, and the interval does not count on it.
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(covered))


def test_what_is_expected_of_more_images_is_what_they_show():
    rng = np.random.default_rng(2)
    reference = points(rng, 500)
    found = [measured(points(rng, 400, share=0.3), reference) for _ in range(30)]
    foretold = np.mean([one.at(1_600).variance for one in found])
    shown = np.mean([measured(points(rng, 1_600, share=0.3), reference).variance for _ in range(8)])
    assert foretold == pytest.approx(shown, rel=0.25)
    assert found[0].at(400).variance == pytest.approx(found[0].variance)


def test_no_pair_bounds_the_ratio_from_above():
    found = near_pairs(np.zeros(100, int), np.zeros(100, int), 999, 1)
    low, high = found.interval(0.95)
    assert (found.ratio, low) == (0, 0)
    assert high == pytest.approx(-np.log(0.025) / (100 * 99) * 1000)


def test_near_pairs_refuses_what_it_cannot_count():
    with pytest.raises(UsageError, match="two images"):
        near_pairs(np.zeros(1, int), np.zeros(1, int), 9, 1)
    with pytest.raises(UsageError, match="k = 10"):
        near_pairs(np.zeros(3, int), np.zeros(3, int), 9, 10)


def test_kish_s_share_by_hand():
    # Weights w = W/(n·null) = (2, 0): mean 1; E w² from W(W−1): 380·.../... = 20·19/(100·99·.1²)/2
    found = NearReal(np.array([20, 0]), 100, 0.1)
    assert found.mass(0.95).value == pytest.approx(1.0)
    assert found.effective_share(0.95).value == pytest.approx(1 / (20 * 19 / (100 * 99 * 0.01) / 2))
    assert NearReal(np.zeros(5, int), 100, 0.1).effective_share(0.95) is None


def test_samples_off_the_manifold_lower_the_mass_and_leave_the_share():
    rng = np.random.default_rng(3)
    reference, real = points(rng, 1_000), points(rng, 1_000)
    radius = nearest(real, reference).distance[:, 0]
    good = points(rng, 2_000)
    half_off = np.concatenate([good[:1_000], good[1_000:] + 50])
    shares, masses = [], []
    for generated in (good, half_off):
        near = NearReal(count_in_balls(real, radius, generated).of_centre, len(generated), 1 / len(reference))
        shares.append(near.effective_share(0.95))
        masses.append(near.mass(0.95).value)
    assert masses[1] == pytest.approx(masses[0] / 2, rel=0.1)
    assert shares[1].low < shares[0].value < shares[1].high


def estimate(value, low, high):
    return Estimate(value=value, low=low, high=high, n=10, method="m")


def test_a_ratio_s_ends_come_from_the_opposite_ends():
    found = ratio_of(estimate(4, 2, 8), estimate(2, 1, 4))
    half = np.hypot(np.log(2), np.log(2))
    assert (found.value, found.n) == (2, 20)
    assert found.low == pytest.approx(2 * np.exp(-half))
    assert found.high == pytest.approx(2 * np.exp(half))
    sharp = ratio_of(estimate(4, 2, 4), estimate(2, 2, 4))
    assert (sharp.low, sharp.high) == (pytest.approx(2 * np.exp(-half)), 2)


def test_a_ratio_keeps_zeros_and_open_ends():
    assert (
        ratio_of(estimate(0, 0, 1), estimate(2, 1, 4)).low,
        ratio_of(estimate(0, 0, 1), estimate(2, 1, 4)).high,
    ) == (0, 1)
    nothing = ratio_of(estimate(4, 2, 8), estimate(0, 0, 4))
    assert (nothing.value, nothing.low, nothing.high) == (None, 0.5, None)
    with pytest.raises(UsageError, match="two values"):
        ratio_of(estimate(None, 1, None), estimate(1, 1, 1))
