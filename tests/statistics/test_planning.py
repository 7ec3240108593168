"""What would settle an open question: by hand, and by drawing as many as told."""

import math

import numpy as np
import pytest
from scipy import stats

from didlearn.statistics.intervals import clopper_pearson
from didlearn.statistics.planning import POWER, draws_to_show, times_to_show

Z, MOVED = float(stats.norm.ppf(0.975)), float(stats.norm.ppf(POWER))


def test_times_solve_their_equation():
    """The least number of times: a step fewer would not do."""
    for gap in (1.0, 1.5, 1.9):
        times = times_to_show(gap, Z, 0.95, 0.95)  # an error of 1 today

        def does(at, gap=gap):
            return gap >= Z / math.sqrt(at) + MOVED * math.sqrt(1 + 1 / at)

        assert does(times)
        assert not does(times / 1.1)


def test_a_wider_interval_takes_more():
    assert times_to_show(1.5, Z, 0.95, 0.999) > times_to_show(1.5, Z, 0.95, 0.95)


def test_units_do_not_matter():
    assert times_to_show(1.5, Z, 0.95, 0.95) == times_to_show(1500, 1000 * Z, 0.95, 0.95)


def test_a_value_next_to_its_limit_is_promised_nothing():
    assert times_to_show(0.9 * MOVED, Z, 0.95, 0.95) is None
    assert times_to_show(0.0, 0.0, 0.95, 0.95) is None
    assert times_to_show(1.0, 0.0, 0.95, 0.95) == 1
    assert times_to_show(1.0, math.inf, 0.95, 0.95) is None


def below(limit):
    return lambda hits, draws: clopper_pearson(hits, draws)[1] <= limit


def above(limit):
    return lambda hits, draws: clopper_pearson(hits, draws)[0] > limit


def test_no_hits_need_what_leaves_room_for_a_few():
    """So many hits may come that a rate known only by 0 of 2 000 exceeds them in one case of five at most."""
    need = draws_to_show(0, 2_000, below(0.001), few=True)
    allowed = max(hits for hits in range(50) if below(0.001)(hits, need))
    assert stats.betabinom(need, 0.5, 2_000.5).cdf(allowed) >= POWER
    assert need > 3_689  # 0 of 3 689 is what no hit at all would take


def test_too_near_to_tell():
    assert draws_to_show(50, 1_000, below(0.05), few=True) is None
    assert draws_to_show(50, 1_000, above(0.05), few=False) is None


@pytest.mark.parametrize("few", [True, False])
def test_as_many_as_told_settle_it(few):
    """Truths all over the place; open today; drawn again as told: settled in four cases of five."""
    rng, limit, draws = np.random.default_rng(3), 0.1, 200
    shown = below(limit) if few else above(limit)
    settled: list = []
    while len(settled) < 100:
        rate = rng.uniform(0, 0.3)
        hits = int(rng.binomial(draws, rate))
        if shown(hits, draws) or (hits < limit * draws) is not few:
            continue
        need = draws_to_show(hits, draws, shown, few=few)
        if need is not None:
            settled.append(shown(int(rng.binomial(need, rate)), need))
    share = np.mean(settled)
    assert share >= POWER - 3 * math.sqrt(POWER * (1 - POWER) / len(settled))


def test_as_many_times_as_told_settle_it():
    rng = np.random.default_rng(1)
    settled: list = []
    while len(settled) < 2_000:
        truth = rng.uniform(-4, 4)
        today = truth + rng.normal()
        times = times_to_show(abs(today), Z, 0.95, 0.95)
        if abs(today) < Z and times is not None:
            settled.append(abs(truth + rng.normal() / math.sqrt(times)) > Z / math.sqrt(times))
    assert np.mean(settled) >= POWER
