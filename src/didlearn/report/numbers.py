"""Numbers as people read them: 461 352, 4.32 %, 1.23 × 10⁻⁵, at least 17 000; never NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from didlearn.result.values import Estimate

THIN = "\u202f"
NOTHING = "—"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None) -> str:
    """Format a number: whole ones grouped by thin spaces, fractions to three significant digits.

    ``None`` and what is not finite become a dash.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    if size and (size < 1e-4 or size >= 1e15):
        return sign + _scientific(size)
    if size == int(size) or size >= 999.5:
        return sign + f"{round(size):,}".replace(",", THIN)
    return sign + _fixed(size)


def estimated(value: float | None) -> str:
    """Format an estimate, of which digits beyond the third mean little: from a million on they are left out."""
    for scale, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value is not None and scale <= abs(value) < 1e15:
            return f"{value / scale:.3g}{THIN}{word}"
    return number(value)


def brief(value: float) -> str:
    """Format a number for a label: three significant digits without trailing zeros."""
    return f"{value:.3g}" if 1e-3 <= value < 999.5 else number(value)


def percent(value: float | None) -> str:
    """Format a fraction as a percentage, with enough digits to tell it from 0 and from 100 %."""
    if value is None or not math.isfinite(value):
        return NOTHING
    hundredths = round(100 * value, 10)
    rest = 100 - hundredths
    if 0 < rest < 1:
        return f"{hundredths:.{min(6, -math.floor(math.log10(rest)))}f}{THIN}%"
    return f"{number(hundredths)}{THIN}%"


def tick(value: float) -> str:
    """Format a number for an axis, where space is short: 200k, 1.5M, 10⁻⁵."""
    size = abs(value)
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    if size >= 1e9 or 0 < size < 1e-3:
        mantissa, exponent = f"{size:.3e}".split("e")
        factor = "" if mantissa == "1.000" else mantissa.rstrip("0").rstrip(".") + "·"
        return f"{sign}{factor}10{_power(exponent)}"
    unit, letter = (1e6, "M") if size >= 1e6 else (1e3, "k") if size >= 1e4 else (1.0, "")
    return f"{sign}{size / unit:.6g}{letter}"


def decade(value: float) -> str:
    """Format a number for a logarithmic axis of many decades: 10⁻⁵, 10⁻², 1, 10⁴."""
    mantissa, exponent = f"{value:.1e}".split("e")
    if mantissa != "1.0" or exponent == "+00":
        return tick(value)
    return f"10{_power(exponent)}"


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
    """Put an estimate into words; an open end is "at least" or "or more", never infinity."""
    show = percent if in_percent(estimate) else estimated
    low, high = estimate.low, estimate.high
    level = percent(estimate.level) if (low, high) != (None, None) else ""
    if estimate.value is None:
        return Said(_bound(low, high, show), _kind(low, high), level)
    if low == high == estimate.value:
        return Said(show(estimate.value), "computed", "")
    return Said(show(estimate.value), _interval(low, high, show), level)


def in_percent(estimate: Estimate) -> bool:
    """Whether an estimate reads better as a percentage: a fraction that is not tiny."""
    ends = [abs(v) for v in (estimate.value, estimate.low, estimate.high) if v is not None]
    return estimate.unit == "fraction" and max(ends, default=0.0) >= 1e-3


def _bound(low: float | None, high: float | None, show: Callable[[float], str]) -> str:
    if low is not None and high is not None:
        return f"between {show(low)} and {show(high)}"
    if low is not None:
        return f"at least {show(low)}"
    return f"at most {show(high)}" if high is not None else "not determined"


def _kind(low: float | None, high: float | None) -> str:
    """What an interval without a point estimate is."""
    ends = (low is not None) + (high is not None)
    return ("no interval", "one-sided bound", "interval only")[ends]


def _interval(low: float | None, high: float | None, show: Callable[[float], str]) -> str:
    if low is not None and high is not None:
        return f"{show(low)} to {show(high)}"
    if low is not None:
        return f"{show(low)} or more"
    return f"{show(high)} or less" if high is not None else "no interval"


def _fixed(size: float) -> str:
    # Rounded first: 0.9996 becomes 1.00, not 1.000.
    size = float(f"{size:.2e}")
    return f"{size:.{2 - math.floor(math.log10(size))}f}"


def _scientific(size: float) -> str:
    mantissa, exponent = f"{size:.2e}".split("e")
    return f"{mantissa}{THIN}×{THIN}10{_power(exponent)}"


def _power(exponent: str) -> str:
    return str(int(exponent)).translate(_SUPERSCRIPT)
