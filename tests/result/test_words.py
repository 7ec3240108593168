"""Numbers as sentences, tables and axes write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didlearn.result.values import Estimate
from didlearn.result.words import (
    count,
    decade,
    estimated,
    in_full,
    interval,
    listed,
    number,
    percent,
    percent_in_full,
    say,
    tick,
)

ASCII = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹\N{MINUS SIGN}", "-0123456789-")
SCALES = {"million": 1e6, "billion": 1e9, "trillion": 1e12}


def estimate(value, low, high, unit="", level=0.95):
    return Estimate(value=value, low=low, high=high, level=level, n=10, method="m", unit=unit)


def read(text):
    """Read a written number back."""
    digits, _, word = text.partition("\u00a0")
    plain = digits.replace("\u202f×\u202f10", "e").replace("\u202f", "").translate(ASCII)
    return float(plain) * SCALES.get(word, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (461_352, "461\u202f352"),
        (461_352.4, "461\u202f352"),
        (5_430_000.0, "5.43\u00a0million"),
        (999_999_999.0, "1\u00a0billion"),
        (123_456_789_012_345.0, "123\u00a0trillion"),
        (999.6, "1\u202f000"),
        (800, "800"),
        (0, "0"),
        (0.5, "0.5"),
        (0.0412, "0.0412"),
        (0.9996, "1"),
        (0.0001, "0.0001"),
        (-31.21, "\N{MINUS SIGN}31.2"),
        (-5_400.0, "\N{MINUS SIGN}5\u202f400"),
        (1.2e-5, "1.2\u202f×\u202f10⁻⁵"),
        (3e20, "3\u202f×\u202f10²⁰"),
        (None, "—"),
        (math.nan, "—"),
        (math.inf, "—"),
    ],
)
def test_a_sentence_has_the_digits_a_reader_keeps(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0112, "0.011"), (12.34, "12"), (123.4, "123"), (123, "123"), (2.04e-7, "2\u202f×\u202f10⁻⁷")]
)
def test_a_sentence_may_have_fewer_digits(value, text):
    assert number(value, 2) == text


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
def test_a_table_has_whole_numbers_in_full_and_three_digits_of_the_rest(value, text):
    assert in_full(value) == text


@pytest.mark.parametrize(("value", "text"), [(38.9, "39"), (9.4, "9.4"), (8.9999, "9"), (3.2e6, "3.2\u00a0million")])
def test_things_are_counted_whole_from_ten_up(value, text):
    assert count(value) == text


@pytest.mark.parametrize(
    ("value", "sentence", "table"),
    [
        (0.0432, "4.3", "4.32"),
        (0.57, "57", "57"),
        (0.123, "12", "12.3"),
        (0.07, "7", "7"),
        (1.0, "100", "100"),
        (0.9996, "99.96", "99.96"),
        (0.99999, "99.999", "99.999"),
        (0.995, "99.5", "99.5"),
        (0.99574, "99.57", "99.57"),
        (2.183, "218", "218"),
        (0.0, "0", "0"),
        (-0.25, "\N{MINUS SIGN}25", "\N{MINUS SIGN}25"),
        (3e-8, "3\u202f×\u202f10⁻⁶", "3.00\u202f×\u202f10⁻⁶"),
    ],
)
def test_a_percentage_never_rounds_to_certainty(value, sentence, table):
    assert percent(value) == f"{sentence}\u202f%"
    assert percent_in_full(value) == f"{table}\u202f%"


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_is_ever_nan_or_infinite(value):
    for write in (number, in_full, estimated, percent, percent_in_full):
        assert "nan" not in write(value).lower()
        assert "inf" not in write(value).lower()


@pytest.mark.parametrize("write", [number, in_full, estimated])
@given(value=st.floats(min_value=-1e18, max_value=1e18))
def test_a_written_number_reads_back_within_its_digits(write, value):
    # Three digits: half a unit of the third is at most 1/200 of the number.
    assert read(write(value)) == pytest.approx(value, rel=1 / 200, abs=1e-300)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (9_800.4, 10_250.2, "9\u202f800 to 10\u202f250"),
        (5.4e7, None, "at least 54\u00a0million"),
        (None, 7, "at most 7"),
        (None, None, "unbounded"),
    ],
)
def test_a_sentence_says_an_interval(low, high, text):
    assert interval(estimate(None, low, high)) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "said", "within"),
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
def test_open_ends_are_said_in_words(value, low, high, said, within):
    words = say(estimate(value, low, high))
    assert (words.value, words.interval) == (said, within)
    assert words.level == ("" if (low, high) == (None, None) else "95\u202f%")


def test_a_number_without_an_interval_is_called_computed():
    words = say(estimate(0.62, 0.62, 0.62))
    assert (words.value, words.interval, words.level) == ("0.620", "computed", "")


def test_estimates_in_the_millions_are_rounded():
    words = say(estimate(39_998_000.0, 16_487_666.2, 1.33e9))
    assert (words.value, words.interval) == ("40\u00a0million", "16.5\u00a0million to 1.33\u00a0billion")


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


def test_lists_within_a_sentence():
    assert [listed(list("abcd")[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert listed(list("abcd"), 2) == "a, b and 2 others"
    assert listed(list("abc"), 2) == "a, b and c"  # nothing is won by counting one
