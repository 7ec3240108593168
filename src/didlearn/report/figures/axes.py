"""Series, marks and ticks put onto matplotlib's axes, in the colours asked for: the page's or a file's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeGuard

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from didlearn.report.figures.mark_labels import MARGIN, LabelPlace, has_log_x
from didlearn.report.figures.palette import Look
from didlearn.result.values import Figure, Mark, Series
from didlearn.result.words import decade, tick

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

POINTS: Final = 400
DOTS: Final = 200
ROW: Final = 15.0
LineStyle = Literal["-"] | tuple[float, tuple[float, ...]]
_MARK_WIDTH, _MARK_DASH, _MARK_ALPHA = 1.0, (0, (3, 2)), 0.75


def style(colours: Mapping[str, str]) -> dict[RcKeyType, object]:
    """Return matplotlib's settings for drawing in the given colours, by the names of the palette."""
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "didlearn",
        "font.size": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.edgecolor": colours["axis"],
        "axes.linewidth": 1.0,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": colours["grid"],
        "grid.linewidth": 1.0,
        "xtick.color": colours["axis"],
        "xtick.labelcolor": colours["muted"],
        "ytick.labelcolor": colours["muted"],
        "ytick.major.size": 0.0,
        "xtick.minor.size": 0.0,
        "ytick.minor.size": 0.0,
        "lines.linewidth": 1.9,
        "lines.scale_dashes": False,
        "lines.markersize": 5.0,
    }


def paint(
    axes: Axes,
    figure: Figure,
    chosen: list[Look],
    colours: Mapping[str, str],
    labels: Mapping[int, LabelPlace],
    words: Mapping[int, str],
    points: int = POINTS,
) -> None:
    """Draw a figure.

    Args:
        axes: matplotlib's.
        figure: what to draw.
        chosen: the look of each series.
        colours: by the names of the palette.
        labels: where the labels of vertical marks go, by the mark's index.
        words: what to write at each mark, by its index.
        points: points of a line that are drawn at most.
    """
    x_log, y_log = _scales(axes, figure)
    for series, look in zip(figure.series, chosen, strict=True):
        _add(axes, _drawable(series, x_log, y_log, points), look, colours[look.colour])
    for i, mark in enumerate(figure.marks):
        _add_mark(axes, mark, words[i], labels.get(i), colours["ink"])
    _ticks(axes, x_log, y_log)


def line_style(look: Look) -> LineStyle:
    """Return a look's dash as matplotlib takes it."""
    return (0, look.dash) if look.dash else "-"


def thin(series: Series, points: int = POINTS) -> Series:
    """Return at most ``points`` points of a series (``DOTS`` where each is a marker), keeping ends and extremes."""
    limit = min(DOTS, points) if series.style == "points" else points
    if len(series.x) <= limit:
        return series
    y = np.asarray(series.y)
    groups = np.array_split(np.arange(1, len(y) - 1), (limit - 2) // 2)
    inner = {int(g[k]) for g in groups for k in (np.argmin(y[g]), np.argmax(y[g]))}
    return _points_at(series, sorted({0, len(y) - 1} | inner))


def _points_at(series: Series, index: list[int]) -> Series:
    columns = {name: getattr(series, name) for name in ("x", "y", "low", "high")}
    kept = {name: None if c is None else tuple(c[i] for i in index) for name, c in columns.items()}
    return series.model_copy(update=kept)


def _drawable(series: Series, x_log: bool, y_log: bool, points: int) -> Series:
    """Leave out what a logarithmic axis has no place for, then thin."""
    index = [
        i
        for i, (x, y) in enumerate(zip(series.x, series.y, strict=True))
        if (x > 0 or not x_log) and (y > 0 or not y_log)
    ]
    return thin(_points_at(series, index), points)


def _scales(axes: Axes, figure: Figure) -> tuple[bool, bool]:
    """Set the axes' scales; an axis with nothing positive to show stays linear."""
    x_log = has_log_x(figure)
    y_log = figure.y_log and any(y > 0 for s in figure.series for y in s.y)
    axes.set_xscale("log" if x_log else "linear")
    axes.set_yscale("log" if y_log else "linear")
    axes.margins(x=MARGIN, y=0.06)
    return x_log, y_log


def _add(axes: Axes, series: Series, look: Look, colour: str) -> None:
    if not series.x:
        return
    apart = series.style == "points"
    axes.plot(
        series.x,
        series.y,
        color=colour,
        solid_capstyle="round",
        linestyle="none" if apart else line_style(look),
        marker=look.marker if apart else "none",
        drawstyle="steps-post" if series.style == "step" else "default",
    )
    _add_band(axes, series, colour)


def _add_band(axes: Axes, series: Series, colour: str) -> None:
    if series.low is None and series.high is None:
        return
    low, high = series.low or series.y, series.high or series.y
    if axes.get_yscale() == "log":
        floor = 0.5 * min(series.y)
        low = tuple(max(v, floor) for v in low)
    if series.style == "points":
        axes.vlines(series.x, low, high, color=colour, linewidth=1.2, alpha=0.7)
    else:
        step: Literal["post"] | None = "post" if series.style == "step" else None
        axes.fill_between(series.x, low, high, color=colour, alpha=0.16, linewidth=0, step=step)


def _add_mark(axes: Axes, mark: Mark, word: str, place: LabelPlace | None, ink: str) -> None:
    """Draw a mark's line, and its word where there is a place for it."""
    if _has_place(mark.x, axes.get_xscale()):
        axes.axvline(mark.x, color=ink, linewidth=_MARK_WIDTH, linestyle=_MARK_DASH, alpha=_MARK_ALPHA)
        if place is not None:
            _annotate(axes, word, (mark.x, 1), ("data", "axes fraction"), 3 + ROW * place.row, place.align, ink)
    if _has_place(mark.y, axes.get_yscale()):
        axes.axhline(mark.y, color=ink, linewidth=_MARK_WIDTH, linestyle=_MARK_DASH, alpha=_MARK_ALPHA)
        if place is None:
            _annotate(axes, word, (1, mark.y), ("axes fraction", "data"), 3, "right", ink)


def _has_place(value: float | None, scale: str) -> TypeGuard[float]:
    return value is not None and (value > 0 or scale != "log")


def _annotate(
    axes: Axes, word: str, at: tuple[float, float], coordinates: tuple[str, str], up: float, align: str, ink: str
) -> None:
    axes.annotate(
        word, at, (0, up), coordinates, "offset points", ha=align, color=ink, annotation_clip=False, parse_math=False
    )


def _decades(low: float, high: float, count: int) -> ticker.Locator:
    """Powers of ten; over less than two decades 1, 2 and 5 times them, which matplotlib's own locator thins away."""
    if high / low > 90:
        return ticker.LogLocator(numticks=count + 2)
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    marks = np.outer(powers, (1, 2, 5)).ravel()
    return ticker.FixedLocator(marks[(marks >= low) & (marks <= high)].tolist())


def _ticks(axes: Axes, x_log: bool, y_log: bool) -> None:
    for axis, log, count in ((axes.xaxis, x_log, 6), (axes.yaxis, y_log, 5)):
        low, high = sorted(axis.get_view_interval())
        say = decade if log and (low < 1e-3 or high > 1e6) else tick
        if log:
            axis.set_major_locator(_decades(low, high, count))
            axis.set_minor_locator(ticker.NullLocator())
        else:
            axis.set_major_locator(ticker.MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _, say=say: say(value)))
