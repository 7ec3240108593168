"""Numbers as a sentence says them."""

from __future__ import annotations

from didlearn.result.values import Estimate


def number(value: float) -> str:
    """Write a number for reading: ``461 352``, ``5.4 million``, ``0.0412``."""
    if value >= 1e15:
        return f"{value:.2g}"
    for scale, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= scale:
            return f"{value / scale:.3g} {word}"
    if value >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    if value == int(value):
        return str(int(value))
    return f"{value:.3g}"


def count(value: float) -> str:
    """Write an estimated number of things: whole from ten up, and where it is whole but for rounding."""
    return number(round(value) if value >= 10 or abs(value - round(value)) < 0.005 else value)


def percent(fraction: float) -> str:
    """Write a fraction as a percentage: ``4.8 %``, ``99.97 %``."""
    return f"{100 * fraction:.2g} %" if fraction < 0.995 else f"{100 * fraction:.4g} %"


def interval(estimate: Estimate) -> str:
    """Write an estimate's interval: ``9 800 to 10 250``, ``at least 54 million``."""
    if estimate.low is not None and estimate.high is not None:
        return f"{count(estimate.low)} to {count(estimate.high)}"
    if estimate.low is not None:
        return f"at least {count(estimate.low)}"
    return f"at most {count(estimate.high)}" if estimate.high is not None else "unbounded"
