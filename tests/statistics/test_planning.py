"""What would settle an open question: by hand, and by drawing as many as told."""

import math
from functools import cache

import numpy as np
from scipy import stats

from didlearn.statistics.intervals import clopper_pearson
from didlearn.statistics.planning import POWER, draws_to_settle, times_to_show

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


SIDES = {"few": below(0.1), "many": above(0.1)}


def never(hits, draws):
    return False


def test_no_hits_need_what_leaves_room_for_a_few():
    """So many hits may come that a rate known only by 0 of 2 000 exceeds them in one case of five at most."""
    need = draws_to_settle(0, 2_000, few=below(0.001), many=never)
    allowed = max(hits for hits in range(50) if below(0.001)(hits, need))
    assert stats.betabinom(need, 0.5, 2_000.5).cdf(allowed) >= POWER
    assert need > 3_689  # 0 of 3 689 is what no hit at all would take


def test_too_near_to_tell():
    """A single answer may never come; of the two one comes in the end."""
    assert draws_to_settle(50, 1_000, few=below(0.05), many=never) is None
    assert draws_to_settle(50, 1_000, few=never, many=above(0.05)) is None
    assert draws_to_settle(50, 1_000, few=below(0.05), many=above(0.05)) > 5_000


def test_either_answer_settles():
    """The two together take no more than the dearer alone, of hits on either side."""
    for hits in (11, 31):
        both = draws_to_settle(hits, 200, **SIDES)
        alone = [draws_to_settle(hits, 200, **(SIDES | {side: never})) for side in SIDES]
        assert both <= min(one for one in alone if one is not None)


def test_as_many_as_told_settle_it():
    """Truths all over the place; open today; drawn again as told: settled in four cases of five."""
    rng, draws = np.random.default_rng(3), 200
    settled: list = []
    told = cache(lambda hits: draws_to_settle(hits, draws, **SIDES))  # a few numbers of hits come again and again
    while len(settled) < 100:
        rate = rng.uniform(0, 0.3)
        hits = int(rng.binomial(draws, rate))
        if any(shown(hits, draws) for shown in SIDES.values()):
            continue
        need = told(hits)
        if need is not None:
            again = int(rng.binomial(need, rate))
            settled.append(any(shown(again, need) for shown in SIDES.values()))
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
