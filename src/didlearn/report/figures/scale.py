"""Interval bars: estimates of one unit placed on one shared axis, as percentages of its width."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from didlearn.result.values import Estimate
from didlearn.result.words import in_percent, tick

_LOG_FROM = 30.0
_ROUND = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in percent of its width."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """An interval on an axis, in percent of its width; ``dot`` is the point estimate's place.

    ``open_low`` and ``open_high`` say that the interval goes on beyond the axis.
    """

    left: float
    width: float
    dot: float | None
    open_low: bool
    open_high: bool
    known: bool


@dataclass(frozen=True)
class Scale:
    """An axis from ``start`` to ``stop``, linear or logarithmic."""

    start: float
    stop: float
    log: bool
    percent: bool = False

    @classmethod
    def covering(cls, estimates: Iterable[Estimate]) -> Self:
        """Return the axis that holds every end of every interval: logarithmic where they span more than 30-fold."""
        estimates = list(estimates)
        ends = [float(v) for e in estimates for v in (e.value, e.low, e.high) if v is not None]
        percent = any(map(in_percent, estimates))
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        if low > 0 and high / low > _LOG_FROM:
            return cls(low / 1.4, high * 1.4, log=True, percent=percent)
        low, high = min(0.0, low), max(0.0, high) if low or high else 1.0
        room = 0.06 * (high - low)
        return cls(low - room if low < 0 else 0.0, high + room if high > 0 else 0.0, log=False, percent=percent)

    def place(self, value: float) -> float:
        """Return where a value lies, in percent of the axis's width."""
        start, stop = self._along(self.start), self._along(self.stop)
        value = max(value, self.start) if self.log else value
        return round(100 * min(1.0, max(0.0, (self._along(value) - start) / (stop - start))), 2)

    def bar(self, estimate: Estimate) -> Bar:
        """Place an estimate on the axis; an open end runs to the axis's end."""
        low, high, value = estimate.low, estimate.high, estimate.value
        known = low is not None or high is not None
        left = 0.0 if low is None else self.place(low)
        right = 100.0 if high is None else self.place(high)
        return Bar(
            left=left if known else 0.0,
            width=round(max(0.0, right - left), 2) if known else 0.0,
            dot=None if value is None else self.place(value),
            open_low=known and low is None,
            open_high=known and high is None,
            known=known,
        )

    def ticks(self) -> tuple[Tick, ...]:
        """Return two to four labelled round places."""
        values = self._log_ticks() if self.log else self._linear_ticks()
        return tuple(Tick(self.place(v), self._label(v)) for v in values)

    def _along(self, value: float) -> float:
        return math.log(value) if self.log else value

    def _label(self, value: float) -> str:
        return f"{tick(100 * value)}%" if self.percent else tick(value)

    def _linear_ticks(self) -> list[float]:
        span = self.stop - self.start
        unit = 10.0 ** math.floor(math.log10(span))
        step = next(s for s in (unit * r / 10 for r in (*_ROUND, 20, 50, 100)) if span / s <= 3.2)
        return [i * step for i in range(math.ceil(self.start / step), math.floor(self.stop / step) + 1)]

    def _log_ticks(self) -> list[float]:
        first, last = math.floor(math.log10(self.start)), math.ceil(math.log10(self.stop))
        decades = [10.0**e for e in range(first, last + 1) if self.start <= 10.0**e <= self.stop]
        if len(decades) >= 2:
            return decades[:: math.ceil(len(decades) / 4)]
        finer = [r * 10.0**e for e in range(first, last + 1) for r in _ROUND[:3]]
        return [v for v in finer if self.start <= v <= self.stop][:4]
