"""A ``Figure`` of numbers drawn as inline SVG: small, the same bytes every time, at home in light and dark.

matplotlib draws lines and numbers only. Words (labels, class names, file names) never pass through it: axis labels and
legends are HTML, and a mark's label is put into the tree afterwards, so nothing a user wrote is parsed as mathematics
or markup, or measured with a font that lacks its letters.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib import ticker
from matplotlib.figure import Figure as Canvas

from didlearn.report import vector
from didlearn.report.labels import MARGIN, Place, clip, has_log_x, place_labels
from didlearn.report.numbers import decade, number, tick
from didlearn.report.palette import STAND_IN, Look, looks
from didlearn.result import Figure, Mark, Series

POINTS: Final = 400
DOTS: Final = 200
_WIDTH, _PLOT, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 400.0, 185.0, 44.0, 12.0, 8.0, 24.0, 15.0
_SPAN = _WIDTH - _LEFT - _RIGHT
_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "didlearn",
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": STAND_IN["axis"],
    "axes.linewidth": 1.0,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": STAND_IN["grid"],
    "grid.linewidth": 1.0,
    "xtick.color": STAND_IN["axis"],
    "xtick.labelcolor": STAND_IN["muted"],
    "ytick.labelcolor": STAND_IN["muted"],
    "ytick.major.size": 0.0,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "lines.linewidth": 1.9,
    "lines.scale_dashes": False,
    "lines.markersize": 5.0,
}


@dataclass(frozen=True)
class Plot:
    """A drawn figure: its SVG, the looks of its series in order, and a sentence for those who cannot see it."""

    svg: Markup
    looks: tuple[Look, ...]
    alt: str


def draw(figures: Sequence[Figure], key: str) -> list[Plot]:
    """Draw the figures of one check alike, so that they line up side by side.

    Args:
        figures: what to draw.
        key: makes the ids in their SVG unique on the page.
    """
    labels = [place_labels(figure, _SPAN) for figure in figures]
    rows = max((1 + place.row for placed in labels for place in placed.values()), default=0)
    return [_draw(f, placed, rows, f"{key}-{i}") for i, (f, placed) in enumerate(zip(figures, labels, strict=True))]


def _draw(figure: Figure, labels: dict[int, Place], rows: int, key: str) -> Plot:
    chosen = looks([s.role for s in figure.series])
    height = _TOP + _ROW * rows + _PLOT + _BOTTOM
    with mpl.rc_context():
        mpl.rcdefaults()  # a user's own matplotlibrc must not change the page
        mpl.rcParams.update(_STYLE)
        canvas = Canvas(figsize=(_WIDTH / 72, height / 72), dpi=72)
        axes = canvas.add_axes((_LEFT / _WIDTH, _BOTTOM / height, _SPAN / _WIDTH, _PLOT / height))
        x_log, y_log = _scales(axes, figure)
        for series, look in zip(figure.series, chosen, strict=True):
            _add(axes, _drawable(series, x_log, y_log), look)
        words = _add_marks(axes, figure.marks, labels)
        _ticks(axes, x_log, y_log)
        file = io.BytesIO()
        canvas.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA)
    return Plot(vector.inline(file.getvalue().decode(), key, words), tuple(chosen), describe(figure))


def thin(series: Series) -> Series:
    """Return at most ``POINTS`` points of a series (``DOTS`` where each is a marker), keeping its ends and extremes."""
    limit = DOTS if series.style == "points" else POINTS
    if len(series.x) <= limit:
        return series
    y = np.asarray(series.y)
    groups = np.array_split(np.arange(1, len(y) - 1), (limit - 2) // 2)
    inner = {int(g[k]) for g in groups for k in (np.argmin(y[g]), np.argmax(y[g]))}
    return _take(series, sorted({0, len(y) - 1} | inner))


def describe(figure: Figure) -> str:
    """Say in a sentence what a figure shows, for readers who cannot see it."""
    told = [f"{s.label} goes from {_point(s, 0)} to {_point(s, -1)}" for s in figure.series if s.x]
    told += [f"{m.label} at {number(m.x if m.x is not None else m.y)}" for m in figure.marks]
    return f"{figure.title}. {figure.y_label} against {figure.x_label}: {'; '.join(told) or 'no points'}."


def _point(series: Series, i: int) -> str:
    return f"({number(series.x[i])}, {number(series.y[i])})"


def _take(series: Series, index: list[int]) -> Series:
    columns = {name: getattr(series, name) for name in ("x", "y", "low", "high")}
    kept = {name: None if c is None else tuple(c[i] for i in index) for name, c in columns.items()}
    return series.model_copy(update=kept)


def _drawable(series: Series, x_log: bool, y_log: bool) -> Series:
    """Leave out what a logarithmic axis has no place for, then thin."""
    index = [
        i
        for i, (x, y) in enumerate(zip(series.x, series.y, strict=True))
        if (x > 0 or not x_log) and (y > 0 or not y_log)
    ]
    return thin(_take(series, index))


def _scales(axes: Any, figure: Figure) -> tuple[bool, bool]:
    """Set the axes' scales; an axis with nothing positive to show stays linear."""
    x_log = has_log_x(figure)
    y_log = figure.y_log and any(y > 0 for s in figure.series for y in s.y)
    axes.set_xscale("log" if x_log else "linear")
    axes.set_yscale("log" if y_log else "linear")
    axes.margins(x=MARGIN, y=0.06)
    return x_log, y_log


def _add(axes: Any, series: Series, look: Look) -> None:
    if not series.x:
        return
    colour = STAND_IN[look.colour]
    line: dict[str, Any] = {"color": colour, "solid_capstyle": "round"}
    if series.style == "points":
        line |= {"linestyle": "none", "marker": look.marker}
    else:
        line |= {"linestyle": (0, look.dash) if look.dash else "-"}
        line |= {"drawstyle": "steps-post"} if series.style == "step" else {}
    axes.plot(series.x, series.y, **line)
    _add_band(axes, series, colour)


def _add_band(axes: Any, series: Series, colour: str) -> None:
    if series.low is None and series.high is None:
        return
    low, high = series.low or series.y, series.high or series.y
    if axes.get_yscale() == "log":
        floor = 0.5 * min(series.y)
        low = tuple(max(v, floor) for v in low)
    if series.style == "points":
        axes.vlines(series.x, low, high, color=colour, linewidth=1.2, alpha=0.7)
    else:
        step = "post" if series.style == "step" else None
        axes.fill_between(series.x, low, high, color=colour, alpha=0.16, linewidth=0, step=step)


def _add_marks(axes: Any, marks: tuple[Mark, ...], labels: dict[int, Place]) -> dict[str, str]:
    """Draw the marks and stand-ins for their labels; return what each stand-in says."""
    words = {}
    for i, mark in enumerate(marks):
        word = f"@{i}@"
        words[word] = clip(mark.label)
        if _fits(mark.x, axes.get_xscale()):
            axes.axvline(mark.x, **_MARK)
        if i in labels:
            up = 3 + _ROW * labels[i].row
            _write(axes, word, (mark.x or 0.0, 1), ("data", "axes fraction"), up, labels[i].align)
        if _fits(mark.y, axes.get_yscale()):
            axes.axhline(mark.y, **_MARK)
            if i not in labels:
                _write(axes, word, (1, mark.y or 0.0), ("axes fraction", "data"), 3, "right")
    return words


def _fits(value: float | None, scale: str) -> bool:
    return value is not None and (value > 0 or scale != "log")


_MARK: Final[dict[str, Any]] = {"color": STAND_IN["ink"], "linewidth": 1.0, "linestyle": (0, (3, 2)), "alpha": 0.75}


def _write(axes: Any, word: str, at: tuple[float, float], coordinates: tuple[str, str], up: float, align: str) -> None:
    ink = STAND_IN["ink"]
    axes.annotate(word, at, (0, up), coordinates, "offset points", ha=align, color=ink, annotation_clip=False)


def _decades(low: float, high: float, count: int) -> ticker.Locator:
    """Powers of ten; over less than two decades 1, 2 and 5 times them, which matplotlib's own locator thins away."""
    if high / low > 90:
        return ticker.LogLocator(numticks=count + 2)
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    marks = np.outer(powers, (1, 2, 5)).ravel()
    return ticker.FixedLocator(marks[(marks >= low) & (marks <= high)].tolist())


def _ticks(axes: Any, x_log: bool, y_log: bool) -> None:
    for axis, log, count in ((axes.xaxis, x_log, 6), (axes.yaxis, y_log, 5)):
        low, high = sorted(axis.get_view_interval())
        say = decade if log and (low < 1e-3 or high > 1e6) else tick
        if log:
            axis.set_major_locator(_decades(low, high, count))
            axis.set_minor_locator(ticker.NullLocator())
        else:
            axis.set_major_locator(ticker.MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _, say=say: say(value)))
