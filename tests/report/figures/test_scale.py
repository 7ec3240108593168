import pytest
from hypothesis import given
from hypothesis import strategies as st

from didlearn.report.figures.scale import Scale
from didlearn.result.values import Estimate


def estimate(value, low, high, unit="images"):
    return Estimate(value=value, low=low, high=high, n=10, method="m", unit=unit)


def test_a_bar_lies_where_its_numbers_do():
    scale = Scale(0, 200, log=False)
    bar = scale.bar(estimate(100, 50, 150))
    assert (bar.left, bar.width, bar.dot) == (25, 50, 50)


def test_a_logarithmic_axis_gives_equal_ratios_equal_lengths():
    scale = Scale(1, 10_000, log=True)
    assert [scale.place(v) for v in (1, 10, 100, 10_000)] == [0, 25, 50, 100]


def test_the_axis_is_logarithmic_only_where_numbers_span_many_sizes():
    assert Scale.covering([estimate(100, 50, 20_000)]).log
    assert not Scale.covering([estimate(100, 50, 150)]).log
    assert not Scale.covering([estimate(100, 0, 20_000)]).log
    assert not Scale.covering([estimate(-5, -9, 2_000)]).log


def test_an_open_end_runs_to_the_end_of_the_axis_and_says_so():
    both = [estimate(None, 8_730, None), estimate(41, 38, 44)]
    scale = Scale.covering(both)
    bar = scale.bar(both[0])
    assert bar.open_high
    assert not bar.open_low
    assert bar.dot is None
    assert bar.left + bar.width == pytest.approx(100)
    assert bar.left < 100


def test_nothing_known_draws_nothing():
    bar = Scale.covering([estimate(None, None, None)]).bar(estimate(None, None, None))
    assert (bar.width, bar.dot, bar.open_low, bar.open_high) == (0, None, False, False)


def test_shares_are_labelled_in_percent():
    labels = [t.label for t in Scale.covering([estimate(0.6, 0.5, 0.9, "fraction")]).ticks()]
    assert labels == ["0%", "50%"]


numbers = st.floats(min_value=-1e12, max_value=1e12).filter(lambda v: v == 0 or abs(v) > 1e-12)


@given(st.lists(st.tuples(numbers, numbers, numbers).map(sorted), min_size=1, max_size=4))
def test_every_bar_fits_its_axis_in_order_and_every_axis_has_ticks(triples):
    estimates = [estimate(v, low, high) for low, v, high in triples]
    scale = Scale.covering(estimates)
    for e in estimates:
        bar = scale.bar(e)
        assert 0 <= bar.left <= bar.dot + 0.01
        assert bar.dot <= bar.left + bar.width + 0.02 <= 100.03
    assert 1 <= len(scale.ticks()) <= 5
    assert all(0 <= t.at <= 100 for t in scale.ticks())
