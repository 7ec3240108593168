"""A ``Figure`` of numbers drawn as inline SVG: small, the same bytes every time, at home in light and dark.

matplotlib draws lines and numbers only. Words (labels, class names, file names) never pass through it: axis labels and
legends are HTML, and a mark's label is put into the tree afterwards, so nothing a user wrote is parsed as mathematics
or markup, or measured with a font that lacks its letters.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure as Canvas

from didlearn.report.figures import vector
from didlearn.report.figures.axes import POINTS, ROW, paint, style
from didlearn.report.figures.mark_labels import LabelPlace, clip, place_labels
from didlearn.report.figures.palette import STAND_IN, Look, looks
from didlearn.result.values import Figure, Series
from didlearn.result.words import number

_WIDTH, _PLOT, _LEFT, _RIGHT, _TOP, _BOTTOM = 400.0, 185.0, 44.0, 12.0, 8.0, 24.0
_SPAN = _WIDTH - _LEFT - _RIGHT
_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@dataclass(frozen=True)
class Plot:
    """A drawn figure: its SVG, the looks of its series in order, and a sentence for those who cannot see it."""

    svg: Markup
    looks: tuple[Look, ...]
    alt: str


def draw(figures: Sequence[Figure], key: str, points: int = POINTS) -> list[Plot]:
    """Draw the figures of one check alike, so that they line up side by side.

    Args:
        figures: what to draw.
        key: makes the ids in their SVG unique on the page.
        points: points of a line that are drawn at most.
    """
    labels = [place_labels(figure, _SPAN) for figure in figures]
    rows = max((1 + place.row for placed in labels for place in placed.values()), default=0)
    return [
        _draw(f, placed, rows, f"{key}-{i}", points) for i, (f, placed) in enumerate(zip(figures, labels, strict=True))
    ]


def _draw(figure: Figure, labels: dict[int, LabelPlace], rows: int, key: str, points: int) -> Plot:
    chosen = looks([s.role for s in figure.series])
    height = _TOP + ROW * rows + _PLOT + _BOTTOM
    stand_ins = {i: f"@{i}@" for i in range(len(figure.marks))}
    with mpl.rc_context():
        mpl.rcdefaults()  # a user's own matplotlibrc must not change the page
        mpl.rcParams.update(style(STAND_IN))
        canvas = Canvas(figsize=(_WIDTH / 72, height / 72), dpi=72)
        axes = canvas.add_axes((_LEFT / _WIDTH, _BOTTOM / height, _SPAN / _WIDTH, _PLOT / height))
        paint(axes, figure, chosen, STAND_IN, labels, stand_ins, points)
        file = io.BytesIO()
        canvas.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA)
    words = {stand_ins[i]: clip(mark.label) for i, mark in enumerate(figure.marks)}
    return Plot(vector.inline(file.getvalue().decode(), key, words), tuple(chosen), describe(figure))


def describe(figure: Figure) -> str:
    """Say in a sentence what a figure shows, for readers who cannot see it."""
    told = [f"{s.label} goes from {_point_words(s, 0)} to {_point_words(s, -1)}" for s in figure.series if s.x]
    told += [f"{m.label} at {number(m.x if m.x is not None else m.y)}" for m in figure.marks]
    return f"{figure.title}. {figure.y_label} against {figure.x_label}: {'; '.join(told) or 'no points'}."


def _point_words(series: Series, i: int) -> str:
    return f"({number(series.x[i])}, {number(series.y[i])})"
