"""Numbers in words: 461 352, 4.3 %, 1.2 × 10⁻⁵, at least 17 000; for verdicts, pages and axes alike, and never NaN.

A sentence takes the digits that a reader keeps and no zeros at the end (``number``, ``percent``). A table takes every
digit of a whole number and three of a fraction, zeros and all, so that its lines can be compared (``in_full``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from didlearn.result.values import Estimate

THIN = "\N{NARROW NO-BREAK SPACE}"
NOTHING = "\N{EM DASH}"
_DIGITS = 3
_TINY, _HUGE = 1e-4, 1e15  # beyond these, powers of ten
_SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Formatter = Callable[[float], str]


def number(value: float | None, digits: int = _DIGITS) -> str:
    """Write a number in a sentence: ``461 352``, ``5.4 million``, ``0.0412``; what is absent or not finite is a dash.

    Args:
        value: to write. digits: significant ones, at least; below a million no digit before the point is left out.
    """
    return _signed(value, lambda size: _spoken(size, digits))


def to_places(value: float, places: int = 1) -> str:
    """Write a number to so many decimal places: for numbers that are read by their differences, as nats are."""
    return _signed(value, lambda size: f"{size:,.{places}f}".replace(",", THIN))


def count(value: float) -> str:
    """Write an estimated number of things: whole from ten up, and where it is whole but for rounding."""
    return number(round(value) if value >= 10 or abs(value - round(value)) < 0.005 else value)


def listed(words: Sequence[str], most: int | None = None) -> str:
    """Return words as a list within a sentence, "a, b and c"; of more than ``most`` the first, and how many others."""
    if most is not None and len(words) > most + 1:
        words = [*words[:most], f"{number(len(words) - most)} others"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def percent(fraction: float | None) -> str:
    """Write a fraction in a sentence: ``4.8 %``; ``99.97 %`` where two digits would make a certainty of it."""
    return _percentage(fraction, lambda hundredths: number(hundredths, 2))


def interval(estimate: Estimate) -> str:
    """Write the interval of a number of things in a sentence: ``9 800 to 10 250``, ``at least 54 million``."""
    if estimate.low is not None and estimate.high is not None:
        return f"{count(estimate.low)} to {count(estimate.high)}"
    return _one_end(estimate.low, estimate.high, count) or "unbounded"


def in_full(value: float | None) -> str:
    """Write a number in a table: whole ones in full, fractions to three significant digits."""
    return _signed(value, _written_out)


def percent_in_full(fraction: float | None) -> str:
    """Write a fraction in a table as a percentage, with enough digits to tell it from 0 and from 100 %."""
    return _percentage(fraction, in_full)


def estimated(value: float | None) -> str:
    """Write an estimate in a table: from a million on in words, for digits beyond the third mean little in it."""
    return _signed(value, lambda size: _in_millions(size) if 1e6 <= size < _HUGE else _written_out(size))


def tick(value: float) -> str:
    """Write a number on an axis, where space is short: 200k, 1.5M, 10⁻⁵."""
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-3:
        mantissa, exponent = f"{size:.3e}".split("e")
        factor = "" if mantissa == "1.000" else f"{float(mantissa):g}·"
        return f"{_sign(value)}{factor}{_power(exponent)}"
    unit, letter = (1e6, "M") if size >= 1e6 else (1e3, "k") if size >= 1e4 else (1.0, "")
    return f"{_sign(value)}{size / unit:.6g}{letter}"


def decade(value: float) -> str:
    """Write a number on a logarithmic axis of many decades: 10⁻⁵, 10⁻², 1, 10⁴."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return tick(value) if mantissa != "1.0" or exponent == "+00" else _power(exponent)


@dataclass(frozen=True)
class Said:
    """An estimate in words.

    Attributes:
        value: the number, or the bound where there is only one ("at least 17 000").
        interval: its interval ("9 120 to 11 480", "9 120 or more"), or what ``value`` already says.
        level: the interval's confidence level, or empty where there is no interval.
    """

    value: str
    interval: str
    level: str


def say(estimate: Estimate) -> Said:
    """Put an estimate into words for a table; an open end is "at least" or "or more", never infinity."""
    show = percent_in_full if in_percent(estimate) else estimated
    low, high = estimate.low, estimate.high
    level = percent_in_full(estimate.level) if (low, high) != (None, None) else ""
    if estimate.value is None:
        return Said(_bounds(low, high, show), _kind_of_bounds(low, high), level)
    if low == high == estimate.value:
        return Said(show(estimate.value), "computed", "")
    return Said(show(estimate.value), _low_to_high(low, high, show), level)


def in_percent(estimate: Estimate) -> bool:
    """Whether an estimate reads better as a percentage: a fraction that is not tiny."""
    ends = [abs(v) for v in (estimate.value, estimate.low, estimate.high) if v is not None]
    return estimate.unit == "fraction" and max(ends, default=0.0) >= _TINY


def _bounds(low: float | None, high: float | None, show: Formatter) -> str:
    """Say where a number lies that has no point estimate."""
    if low is not None and high is not None:
        return f"between {show(low)} and {show(high)}"
    return _one_end(low, high, show) or "not determined"


def _one_end(low: float | None, high: float | None, show: Formatter) -> str:
    if low is not None:
        return f"at least {show(low)}"
    return f"at most {show(high)}" if high is not None else ""


def _kind_of_bounds(low: float | None, high: float | None) -> str:
    ends = (low is not None) + (high is not None)
    return ("no interval", "one-sided bound", "interval only")[ends]


def _low_to_high(low: float | None, high: float | None, show: Formatter) -> str:
    """Say the interval of a number that has a point estimate."""
    if low is not None and high is not None:
        return f"{show(low)} to {show(high)}"
    if low is not None:
        return f"{show(low)} or more"
    return f"{show(high)} or less" if high is not None else "no interval"


def _signed(value: float | None, show: Formatter) -> str:
    return NOTHING if value is None or not math.isfinite(value) else _sign(value) + show(abs(value))


def _sign(value: float) -> str:
    return "\N{MINUS SIGN}" if value < 0 else ""


def _percentage(fraction: float | None, show: Formatter) -> str:
    if fraction is None or not math.isfinite(fraction):
        return NOTHING
    hundredths = round(100 * fraction, 10)
    rest = 100 - hundredths
    if 0 < rest <= 0.5:
        places = min(6, max(2, -math.floor(math.log10(rest))))
        return f"{f'{hundredths:.{places}f}'.rstrip('0')}{THIN}%"
    return f"{show(hundredths)}{THIN}%"


def _spoken(size: float, digits: int) -> str:
    if 0 < size < _TINY or size >= _HUGE:
        factor, power = _scientific(size, digits)
        return f"{float(factor):g}{power}"
    if size >= 1e6:
        return _in_millions(size)
    return _grouped(size) if _is_whole(size) or size >= 10**digits else f"{_rounded(size, digits):g}"


def _written_out(size: float) -> str:
    if 0 < size < _TINY or size >= _HUGE:
        return "".join(_scientific(size, _DIGITS))
    if _is_whole(size):
        return _grouped(size)
    # Rounded first: 0.9996 becomes 1.00, not 1.000.
    size = _rounded(size, _DIGITS)
    return f"{size:.{_DIGITS - 1 - math.floor(math.log10(size))}f}"


def _is_whole(size: float) -> bool:
    """Whether a number is whole, or so large that its fraction is no news."""
    return size == int(size) or size >= 999.5


def _grouped(size: float) -> str:
    return f"{round(size):,}".replace(",", THIN)


def _in_millions(size: float) -> str:
    size = _rounded(size, _DIGITS)
    scale, word = next(pair for pair in _SCALES if size >= pair[0])
    return f"{size / scale:g}\N{NO-BREAK SPACE}{word}"


def _rounded(size: float, digits: int) -> float:
    return float(f"{size:.{digits - 1}e}")


def _scientific(size: float, digits: int) -> tuple[str, str]:
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    return mantissa, f"{THIN}×{THIN}{_power(exponent)}"


def _power(exponent: str) -> str:
    return "10" + str(int(exponent)).translate(_SUPERSCRIPT)
