"""How well the distance tells outside images, on the page."""

from __future__ import annotations

from didlearn.arrays import Array
from didlearn.result.values import Figure, Series
from didlearn.statistics.ranking import roc


def roc_figure(inside: Array, outside: dict[str, Array]) -> Figure:
    """Draw the ROC curve of the manifold distance for each outside set."""
    series = []
    for name, scores in outside.items():
        false, true = roc(inside, scores)
        series.append(Series(label=name, x=tuple(false), y=tuple(true), style="line", role="outside"))
    chance = Series(label="chance", x=(0.0, 1.0), y=(0.0, 1.0), role="theory")
    return Figure(
        name="roc",
        title="Telling outside images by their distance",
        x_label="share of held-out images called outside",
        y_label="share of outside images called outside",
        series=(*series, chance),
        caption="Below the diagonal, outside images lie nearer to the manifold than real ones do.",
    )
