"""Where the labels of vertical marks go: above the plot, in as few rows as keep them apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from didlearn.result.values import Figure

MARGIN: Final = 0.02
_LETTER = 6.4  # mean advance of a letter, in points
_LABEL_GAP = 8.0
_MOST_LABELS = 6  # more labels than these are left to the legend
_LONGEST_LABEL = 34


@dataclass(frozen=True)
class LabelPlace:
    """Which row above the plot a label stands in, and which of its ends stands at the mark."""

    row: int
    align: str


def place_labels(figure: Figure, width: float) -> dict[int, LabelPlace]:
    """Place the labels of a figure's vertical marks, by the mark's index.

    Args:
        figure: whose marks to label.
        width: of the plot, in points.
    """
    share = _places_along(figure)
    if len(share) > _MOST_LABELS:
        return {}
    placed: dict[int, LabelPlace] = {}
    ends: list[float] = []  # how far each row is taken
    for i in sorted(share, key=lambda i: share[i]):
        align, left, right = _extent(width * share[i], _LETTER * len(clip(figure.marks[i].label)), width)
        row = next((r for r, end in enumerate(ends) if end + _LABEL_GAP <= left), len(ends))
        ends[row:] = [right, *ends[row + 1 :]]
        placed[i] = LabelPlace(row, align)
    return placed


def has_log_x(figure: Figure) -> bool:
    """Whether the x axis is logarithmic: asked for, and with something positive to show."""
    return figure.x_log and any(x > 0 for s in figure.series for x in s.x)


def clip(label: str) -> str:
    """Shorten a label to what a plot has room for; the legend has all of it."""
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1].rstrip() + "…"


def _places_along(figure: Figure) -> dict[int, float]:
    """Where each vertical mark lies along the x axis, from 0 to 1."""
    log = has_log_x(figure)
    marks = {i: _along(m.x, log) for i, m in enumerate(figure.marks) if m.x is not None and (m.x > 0 or not log)}
    values = [_along(x, log) for s in figure.series for x in s.x if x > 0 or not log] + list(marks.values())
    low, span = min(values, default=0.0), (max(values, default=0.0) - min(values, default=0.0)) or 1.0
    return {i: ((at - low) / span + MARGIN) / (1 + 2 * MARGIN) for i, at in marks.items()}


def _along(x: float, log: bool) -> float:
    return math.log(x) if log else x


def _extent(at: float, long: float, width: float) -> tuple[str, float, float]:
    """Centre a label on its mark, or lean it inwards where it would leave the plot."""
    if at - long / 2 < 0:
        return "left", at, at + long
    if at + long / 2 > width:
        return "right", at - long, at
    return "center", at - long / 2, at + long / 2
