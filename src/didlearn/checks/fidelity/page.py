"""The scores on the page: a table, the bias of the Fréchet distance, and the images farthest from one another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from didlearn.arrays import Ints
from didlearn.checks.fidelity.measure import Sets
from didlearn.images.base import Images
from didlearn.images.picture import to_picture
from didlearn.neighbors import nearest
from didlearn.result.values import Cell, Estimates, Figure, Gallery, Series, Table, Tile
from didlearn.result.words import number
from didlearn.statistics.fidelity.frechet import frechet_distance

_SCORES = {
    "frechet_distance": "0",
    "kernel_distance": "0",
    "kernel_shift": "0",
    "precision": "high",
    "recall": "high",
    "density": "1",
    "coverage": "high",
    "vendi_score": "high",
}
_HALVINGS, _LEAST, _ROWS = 5, 16, 8


def score_table(found: Estimates) -> Table:
    """List every score of the generated images beside that of as many training images."""
    rows: list[tuple[Cell, ...]] = []
    for name, better in _SCORES.items():
        own, null = found[name], found[f"{name}_train"]
        words = name.replace("_", " ").replace("frechet", "Fréchet")
        rows.append((words, own.value, own.low, own.high, null.value, null.low, null.high, better))
    own_columns, train_columns = ("generated", "low", "high"), ("training", "low, training", "high, training")
    return Table(
        name="scores",
        title="Every score, against held-out images",
        columns=("score", *own_columns, *train_columns, "best"),
        rows=tuple(rows),
        caption="Training images in the place of the generated ones, as many of them, show what a perfect generator "
        "would score at this number of images.",
        csv="fidelity.csv",
    )


def bias_figure(sets: Sets, rng: np.random.Generator) -> Figure:
    """Draw the Fréchet distance of ever smaller parts of the sets, chosen by ``rng``."""
    sets = Sets(*(rng.permutation(rows) for rows in sets))
    shares = [2.0**-i for i in range(_HALVINGS) if len(sets.heldout) * 2.0**-i >= _LEAST]
    real = [sets.heldout[: max(2, round(share * len(sets.heldout)))] for share in shares]
    series = []
    for label, rows, role in (("generated", sets.generated, "generated"), ("training images", sets.train, "train")):
        parts = [rows[: max(2, round(share * len(rows)))] for share in shares]
        y = tuple(frechet_distance(real=r, generated=g) for r, g in zip(real, parts, strict=True))
        x = tuple(float(len(part)) for part in parts)
        series.append(Series(label=label, x=x, y=y, role=role))  # type: ignore[arg-type]
    return Figure(
        name="bias",
        title="The Fréchet distance falls with the number of images",
        x_label="images compared (of the held-out ones in proportion)",
        y_label="Fréchet distance from held-out images",
        series=tuple(series),
        x_log=True,
        caption="A finite sample is biased upwards, training images as well: read the gap between the curves, not the "
        "height.",
    )


def far_gallery(sets: Sets, drawn: NDArray[Any], chosen: Ints, heldout: Images, k: int) -> Gallery:
    """Show generated images far from all held-out ones, and held-out ones far from all generated ones.

    Args:
        sets: features. drawn: all samples, (N, C, H, W). chosen: (m,) which of them the features are of.
        heldout: the held-out images they are of. k: neighbours that set the scale.
    """
    to_real, to_own = nearest(sets.generated, sets.heldout), nearest(sets.heldout, sets.generated)
    radius = nearest(sets.heldout, sets.heldout, k, exclude=np.arange(len(sets.heldout))).distance[:, -1]
    # In units of the held-out image's own neighbourhood: above 1 it is not covered. Of repeated ones that is nothing.
    radius = np.maximum(radius, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        outside, missed = to_real.distance[:, 0] / radius[to_real.index[:, 0]], to_own.distance[:, 0] / radius
    rows = []
    worst = (np.argsort(-score, kind="stable")[:_ROWS].tolist() for score in (outside, missed))
    for i, j in zip(*worst, strict=False):
        near, own = int(to_real.index[i, 0]), int(to_own.index[j, 0])
        rows.append(
            (
                _tile(f"sample {chosen[i]} · {number(min(outside[i], 1e9))}", drawn[chosen[i]]),
                _tile(heldout.source_name(near), heldout.read_raw([near])[0]),
                _tile(f"{heldout.source_name(j)} · {number(min(missed[j], 1e9))}", heldout.read_raw([j])[0]),
                _tile(f"sample {chosen[own]}", drawn[chosen[own]]),
            )
        )
    return Gallery(
        name="far",
        title="The farthest from one another",
        columns=("generated", "nearest held-out", "held-out", "nearest generated"),
        rows=tuple(rows),
        caption=f"With the distance over that of the held-out image to its neighbour {k}: above 1, outside.",
    )


def _tile(caption: str, image: NDArray[Any]) -> Tile:
    return Tile(caption=caption, pixels=to_picture(image))
