"""An effect is judged by its interval, and a false alarm is paid for once for all of them."""

import math

import numpy as np
import pytest
from scipy import stats

from didlearn.result.effects import Failing, at_levels, failings_of, hold, verdict_of
from didlearn.result.values import Effect, Estimate


def normal(value, error):
    """An estimate of known error, at any level."""

    def measured(level):
        half = float(stats.norm.ppf((1 + level) / 2)) * error
        return Estimate(value=value, low=value - half, high=value + half, level=level, n=1, method="")

    return measured


def held(value, error=1.0, side="above", share=0.1, tolerance=10.0):
    return hold(
        normal(value, error), estimate="e", wrong="w", tolerance=tolerance, level=0.95, share=share, side=side
    ).outcome  # fmt: skip


# Shown within: 1.96 errors at 95 %. Shown beyond, with a tenth of the false alarms: one-sided at .005, 2.576 errors.
# Between the two it is suspected.
@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (8.05, "open"),
        (8.03, "within"),
        (10.0, "open"),
        (11.95, "open"),
        (11.97, "suspected"),
        (12.57, "suspected"),
        (12.58, "beyond"),
    ],
)
def test_the_ends_of_the_two_intervals_decide(value, outcome):
    assert held(value) == outcome
    assert held(20 - value, side="below") == outcome


def test_an_effect_is_needed_unless_it_is_said_not_to_be():
    effect = hold(normal(0.0, 1.0), estimate="e", wrong="w", tolerance=10.0, level=0.95, share=1.0)
    assert (effect.needed, effect.side) == (True, "above")


def test_an_effect_alone_pays_for_itself():
    assert held(11.64, share=1.0) == "open"
    assert held(11.65, share=1.0) == "beyond"


def test_touching_the_tolerance_is_within_and_not_beyond():
    assert held(10.0, error=0.0) == "within"
    assert held(10.0, error=0.0, side="below") == "within"


@pytest.mark.parametrize("side", ["above", "below"])
def test_an_open_end_shows_nothing(side):
    def measured(level):
        low, high = (None, 0.0) if side == "below" else (0.0, None)
        return Estimate(value=None, low=low, high=high, level=level, n=1, method="")

    effect = hold(measured, estimate="e", wrong="w", tolerance=1.0, level=0.95, share=1.0, side=side)
    assert effect.outcome == ("beyond" if side == "below" else "open")


def test_false_alarms_of_all_effects_together_are_held():
    """Twenty effects at their tolerance, each with a twentieth of the chance: any alarm in at most 5 % of audits."""
    rng, trials = np.random.default_rng(0), 2_000
    values = rng.normal(10.0, 1.0, size=(trials, 20))
    limit = 10 + float(stats.norm.ppf(1 - 0.05 / 20))
    alarms = (values > limit).any(axis=1)
    assert [held(value, share=1 / 20) == "beyond" for value in values[0]] == (values[0] > limit).tolist()
    assert alarms.mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)


def effects(*outcomes, needed=True):
    return [Effect(estimate="e", wrong="w", tolerance=0, outcome=outcome, needed=needed) for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (("within", "within"), "pass"),
        (("within", "open"), "inconclusive"),
        (("within", "beyond"), "fail"),
        (("open", "beyond"), "fail"),
    ],
)
def test_one_beyond_fails_and_all_within_pass(outcomes, verdict):
    assert verdict_of(effects(*outcomes)) == verdict


def test_what_is_not_needed_may_stay_open_and_may_still_fail():
    assert verdict_of([*effects("within"), *effects("open", needed=False)]) == "pass"
    assert verdict_of([*effects("within"), *effects("beyond", needed=False)]) == "fail"


def interval(value, low, high):
    return Estimate(value=value, low=low, high=high, level=0.95, n=9, method="")


def ends(found, level, **of):
    there = at_levels(found, **of)(level)
    assert (there.value, there.level, there.n) == (found.value, level, 9)
    return there.low, there.high


Z = float(stats.norm.ppf(0.995) / stats.norm.ppf(0.975))


def test_an_interval_widens_by_the_ratio_of_quantiles():
    assert ends(interval(2.0, 1.0, 4.0), 0.99) == pytest.approx((2 - Z, 2 + 2 * Z))
    t = float(stats.t(5).ppf(0.995) / stats.t(5).ppf(0.975))
    assert ends(interval(2.0, 1.0, 4.0), 0.99, freedom=5) == pytest.approx((2 - t, 2 + 2 * t))


def test_a_ratio_widens_on_its_logarithm_and_a_distance_on_its_square():
    assert ends(interval(2.0, 1.0, 8.0), 0.99, scale="log") == pytest.approx((2 / 2**Z, 2 * 4**Z))
    # Squares .36 to .64 around .49: .13 Z below and .15 Z above.
    wide = math.sqrt(0.49 - 0.13 * Z), math.sqrt(0.49 + 0.15 * Z)
    assert ends(interval(0.7, 0.6, 0.8), 0.99, scale="square") == pytest.approx(wide)


def test_no_distance_is_below_zero_and_an_open_end_stays_open():
    low, high = ends(interval(0.3, 0.0, 0.5), 0.99, scale="square")
    assert (low, high) == (0.0, pytest.approx(math.sqrt(0.09 + 0.16 * Z)))
    assert ends(interval(2.0, None, 3.0), 0.99) == (None, pytest.approx(2 + Z))


def test_at_its_own_level_an_interval_is_itself():
    assert ends(interval(2.0, 1.0, 4.0), 0.95, freedom=3) == pytest.approx((1.0, 4.0))


def beyond(name, several=None, outcome="beyond"):
    return Effect(estimate=name, wrong=f"{name} is wrong", several=several, tolerance=1, outcome=outcome)


def test_faults_of_one_kind_are_said_together_where_the_first_stands():
    kind = "there are no classes"
    effects = [
        beyond("a", (kind, "0")), beyond("b"), beyond("c", (kind, "7"), "open"), beyond("d", (kind, "2")), beyond("e"),
    ]  # fmt: skip
    assert failings_of(effects) == [
        Failing(f"{kind} 0 and 2", "a"),
        Failing("b is wrong", "b"),
        Failing("e is wrong", "e"),
    ]
    assert failings_of(effects[:3]) == [Failing("a is wrong", "a"), Failing("b is wrong", "b")]  # one alone
    many = failings_of(beyond(str(i), (kind, str(i))) for i in range(100))
    assert many[0].wrong.endswith(" 9, 10, 11 and 88 others")
