"""Nearest training images on the page: how close everyone comes, and the closest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from didlearn.arrays import Array
from didlearn.images.base import Images
from didlearn.images.perturb import PERTURBATIONS
from didlearn.images.picture import eight_bit, to_picture
from didlearn.neighbors import Neighbors
from didlearn.result.parts import Parts
from didlearn.result.values import Estimate, Figure, Gallery, Mark, Series, Table, Tile, exactly
from didlearn.statistics.copying.data_copying import data_copying
from didlearn.statistics.copying.placement import closer_than_heldout, copying_interval

Role = Literal["generated", "heldout", "perturbed", "outside"]
ROWS, _POINTS = 8, 200


def distance_figure(
    generated: Neighbors,
    heldout: Neighbors,
    outside: Mapping[str, Array],
    perturbed: Mapping[str, Array],
    threshold: float,
) -> Figure:
    """Draw the cumulative share of each group within a distance of its nearest training image.

    Args:
        generated, heldout: nearest training images. outside: distances of other sets, by name.
        perturbed: distances of training images to their mild changes, by kind. threshold: of a copy.
    """
    series = [_cumulative("generated", generated.distance, "generated")]
    series.append(_cumulative("held-out real", heldout.distance, "heldout"))
    series += [_cumulative(name, distances, "outside") for name, distances in outside.items()]
    series.append(_cumulative("mildly changed copies", np.concatenate(list(perturbed.values())), "perturbed"))
    return Figure(
        name="nearest",
        title="How close everyone comes to the training set",
        x_label="distance to the nearest training image",
        y_label="share of images",
        series=tuple(series),
        marks=(Mark(label="copy", x=threshold),),
        caption="A generator that learned the distribution follows the held-out curve. "
        "One that copies rises to its left.",
    )


def _cumulative(label: str, distances: Array, role: Role) -> Series:
    ordered = np.sort(distances)
    chosen = np.unique(np.linspace(0, len(ordered) - 1, _POINTS).astype(int))
    share = (chosen + 1) / len(ordered)
    return Series(label=label, x=tuple(ordered[chosen]), y=tuple(share), style="step", role=role)


def closest_gallery(
    generated: Array, found: Neighbors, heldout: Images, found_heldout: Neighbors, train: Images
) -> Gallery:
    """Show the generated and the held-out images closest to training images, beside planted copies.

    Args:
        generated: (n, C, H, W) samples. found: their nearest training images. heldout, found_heldout: likewise.
        train: the training images.
    """
    ours, theirs = (np.argsort(f.distance, kind="stable")[:ROWS] for f in (found, found_heldout))
    rows = []
    for row, (i, j) in enumerate(zip(ours, theirs, strict=False)):
        kind, change = list(PERTURBATIONS.items())[row % len(PERTURBATIONS)]
        original = eight_bit(train.read_raw([row % len(train)]))
        rows.append(
            (
                _tile(f"sample {i} · {found.distance[i]:.3g}", generated[i]),
                _train_tile(train, int(found.index[i])),
                _tile(
                    f"{heldout.source_name(int(j))} · {found_heldout.distance[j]:.3g}", heldout.read_raw([int(j)])[0]
                ),
                _train_tile(train, int(found_heldout.index[j])),
                _tile(kind, change(original)[0]),
                _tile("original", original[0]),
            )
        )
    columns = ("generated", "nearest in training", "held-out", "nearest in training", "planted copy", "original")
    caption = (
        "The closest of each, with the distance. Copies look like the last two columns; chance like the middle two."
    )
    return Gallery(
        name="closest", title="The closest to the training set", columns=columns, rows=tuple(rows), caption=caption
    )


def _tile(caption: str, image: Array) -> Tile:
    return Tile(caption=caption, pixels=to_picture(image))


def _train_tile(train: Images, index: int) -> Tile:
    return _tile(train.source_name(index), train.read_raw([index])[0])


def copying_parts(generated: tuple[Array, Array], heldout: tuple[Array, Array], level: float) -> Parts:
    """Run the data-copying test and put it in estimates and a table.

    Args:
        generated: (n,) distances to the nearest training image and (n,) cells. heldout: likewise. level: of intervals.
    """
    found = data_copying(
        generated=generated[0], heldout=heldout[0], generated_cells=generated[1], heldout_cells=heldout[1]
    )
    n = len(generated[0]) + len(heldout[0])
    if found.cell_z is None:
        one = np.zeros(len(generated[0]), int), np.zeros(len(heldout[0]), int)
        return copying_parts((generated[0], one[0]), (heldout[0], one[1]), level) if len(found.cells) > 1 else Parts()
    low, high = copying_interval(found.cells, generated, heldout, level)
    method = f"C_T over {sum(c.z is not None for c in found.cells)} cells, variance from placements"
    estimates = {
        "data_copying": Estimate(value=found.cell_z, low=low, high=high, level=level, n=n, method=method),
        "data_copying_pvalue": exactly(found.cell_p_copying or 0.0, level, n, "normal law of C_T, one-sided"),
        "closer_than_heldout": closer_than_heldout(generated[0], heldout[0], level),
    }
    rows = tuple((c.cell, c.generated, c.heldout, c.z) for c in found.cells)
    table = Table(
        name="cells",
        title="The data-copying test, cell by cell",
        columns=("cell", "generated", "held-out", "z"),
        rows=rows,
        caption="Below about -3 a cell's samples are nearer to the training set than held-out images of that cell.",
    )
    return Parts(estimates, tables=(table,))
