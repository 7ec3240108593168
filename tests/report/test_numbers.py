import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didlearn.report.numbers import brief, decade, number, percent, say, tick
from didlearn.result.values import Estimate


def estimate(value, low, high, unit="", level=0.95):
    return Estimate(value=value, low=low, high=high, level=level, n=10, method="m", unit=unit)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (461_352, "461\u202f352"),
        (461_352.4, "461\u202f352"),
        (1_000_000.0, "1\u202f000\u202f000"),
        (999.6, "1\u202f000"),
        (800, "800"),
        (0, "0"),
        (0.5, "0.500"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (0.001, "0.00100"),
        (-31.21, "\N{MINUS SIGN}31.2"),
        (1.234e-5, "1.23\u202f×\u202f10⁻⁵"),
        (3e20, "3.00\u202f×\u202f10²⁰"),
        (None, "—"),
        (math.nan, "—"),
        (math.inf, "—"),
    ],
)
def test_numbers_are_written_for_people(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0432, "4.32"), (0.57, "57"), (1.0, "100"), (0.9996, "99.96"), (0.995, "99.5"), (0.0, "0")],
)
def test_a_percentage_never_rounds_to_certainty(value, text):
    assert percent(value) == f"{text}\u202f%"


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_is_ever_nan_or_infinite_on_the_page(value):
    for text in (number(value), percent(value)):
        assert "nan" not in text.lower()
        assert "inf" not in text.lower()


@given(st.floats(min_value=-1e14, max_value=1e14))
def test_a_written_number_reads_back_within_its_digits(value):
    text = number(value).replace("\u202f×\u202f10", "e").replace("\u202f", "").replace("\N{MINUS SIGN}", "-")
    read = float(text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    assert read == pytest.approx(value, rel=0.006, abs=1e-300)


@pytest.mark.parametrize(
    ("value", "low", "high", "said", "interval"),
    [
        (41.7, 38.9, 44.6, "41.7", "38.9 to 44.6"),
        (None, 17_000, None, "at least 17\u202f000", "one-sided bound"),
        (None, None, 0.31, "at most 0.310", "one-sided bound"),
        (None, 2, 5, "between 2 and 5", "interval only"),
        (None, None, None, "not determined", "no interval"),
        (12, 9, None, "12", "9 or more"),
        (12, None, 15, "12", "15 or less"),
        (12, None, None, "12", "no interval"),
    ],
)
def test_open_ends_are_said_in_words(value, low, high, said, interval):
    words = say(estimate(value, low, high))
    assert (words.value, words.interval) == (said, interval)
    assert words.level == ("" if (low, high) == (None, None) else "95\u202f%")


def test_a_number_without_an_interval_is_called_computed():
    words = say(estimate(0.62, 0.62, 0.62))
    assert (words.value, words.interval, words.level) == ("0.620", "computed", "")


def test_estimates_in_the_millions_are_rounded():
    words = say(estimate(39_998_000.0, 16_487_666.2, 1.33e9))
    assert (words.value, words.interval) == (
        "40\u202fmillion",
        "16.5\u202fmillion to 1.33\u202fbillion",
    )


def test_the_level_shown_is_the_estimates_own():
    assert say(estimate(1, 0, 2, level=0.975)).level == "97.5\u202f%"


def test_fractions_are_percentages_unless_tiny():
    assert say(estimate(0.05, 0.0348, 0.0638, "fraction")).interval == "3.48\u202f% to 6.38\u202f%"
    assert say(estimate(1e-6, 0, 2e-6, "fraction")).value == "1.00\u202f×\u202f10⁻⁶"
    assert say(estimate(0.05, 0.03, 0.06)).value == "0.0500"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1500, "1500"), (20_000, "20k"), (1.5e6, "1.5M"), (0.25, "0.25"), (1e-5, "10⁻⁵"), (2e-5, "2·10⁻⁵"), (-20, "−20")],
)
def test_ticks_are_short(value, text):
    assert tick(value) == text


def test_decades_are_powers():
    assert [decade(v) for v in (1e-6, 0.01, 1, 100)] == ["10⁻⁶", "10⁻²", "1", "10²"]


def test_labels_are_brief():
    assert [brief(v) for v in (0.445947, 0.5, 800.0, 461_352.0)] == ["0.446", "0.5", "800", "461\u202f352"]
