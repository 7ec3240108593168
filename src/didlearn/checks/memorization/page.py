"""Nearest training images on the page: how close everyone comes, and the closest of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from didlearn.arrays import Array, Floats
from didlearn.audit.subject import Subject
from didlearn.checks.memorization.measure import Everyone
from didlearn.images.base import Images
from didlearn.images.picture import to_picture
from didlearn.neighbors import Neighbors
from didlearn.result.values import Figure, Gallery, Mark, Role, Series, Table, Tile
from didlearn.result.words import number
from didlearn.statistics.copying.data_copying import CellCopying

_ROWS_SHOWN, _POINTS_DRAWN, _EXACT_LISTED = 8, 200, 100


def distance_figure(everyone: Everyone, perturbed: Mapping[str, Floats], threshold: float) -> Figure:
    """Draw the cumulative share of each group within a distance of its nearest training image.

    Args:
        everyone: samples, held-out images and outside sets, with their nearest training images.
        perturbed: distances of training images to their mild changes, by kind. threshold: of a copy.
    """
    outside = [_cumulative(name, group.near.distance, "outside") for name, group in everyone.outside.items()]
    return Figure(
        name="nearest",
        title="How close everyone comes to the training set",
        x_label="distance to the nearest training image",
        y_label="share of images",
        series=(
            _cumulative("generated", everyone.own.near.distance, "generated"),
            _cumulative("held-out real", everyone.real.near.distance, "heldout"),
            *outside,
            _cumulative("mildly changed copies", np.concatenate(list(perturbed.values())), "perturbed"),
        ),
        marks=(Mark(label="copy", x=threshold),),
        caption="A generator that learned the distribution follows the held-out curve. "
        "One that copies rises to its left.",
    )


def _cumulative(label: str, distances: Floats, role: Role) -> Series:
    ordered = np.sort(distances)
    chosen = np.unique(np.linspace(0, len(ordered) - 1, _POINTS_DRAWN).astype(int))
    share = (chosen + 1) / len(ordered)
    return Series(label=label, x=tuple(ordered[chosen]), y=tuple(share), style="step", role=role)


def closest_gallery(
    generated: Array, found: Neighbors, heldout: Images, found_heldout: Neighbors, subject: Subject
) -> Gallery:
    """Show the generated and the held-out images closest to training images, beside planted copies.

    Args:
        generated: (n, C, H, W) samples. found: their nearest training images. heldout, found_heldout: likewise.
        subject: whose training images they are.
    """
    assert subject.train is not None
    train = subject.train
    ours, theirs = (np.argsort(near.distance, kind="stable")[:_ROWS_SHOWN] for near in (found, found_heldout))
    rows = []
    for row, (i, j) in enumerate(zip(ours.tolist(), theirs.tolist(), strict=False)):
        name, image = heldout.source_name(j), heldout.read_raw([j])[0]
        rows.append(
            (
                _captioned(f"sample {i} · {number(found.distance[i])}", generated[i]),
                _captioned_training(train, int(found.index[i])),
                _captioned(f"{name} · {number(found_heldout.distance[j])}", image),
                _captioned_training(train, int(found_heldout.index[j])),
                *_planted_copy(subject, train, row),
            )
        )
    columns = ("generated", "nearest in training", "held-out", "nearest in training", "planted copy", "original")
    caption = (
        "The closest of each, with the distance. Copies look like the last two columns; chance like the middle two."
    )
    return Gallery(
        name="closest", title="The closest to the training set", columns=columns, rows=tuple(rows), caption=caption
    )


def _planted_copy(subject: Subject, train: Images, row: int) -> tuple[Tile, Tile]:
    """Return a mildly changed training image, of another kind in each row, and the image itself."""
    changes = list(subject.mild_changes.items())
    kind, change = changes[row % len(changes)]
    original = subject.to_change(train.read_raw([row % len(train)]))
    return _captioned(kind, change(original)[0]), _captioned("original", original[0])


def _captioned_training(train: Images, index: int) -> Tile:
    return _captioned(train.source_name(index), train.read_raw([index])[0])


def _captioned(caption: str, image: Array) -> Tile:
    return Tile(caption=caption, pixels=to_picture(image))


def cells_tables(cells: tuple[CellCopying, ...]) -> tuple[Table, ...]:
    """Tabulate the data-copying test, cell by cell; nothing where it was not run."""
    if not cells:
        return ()
    table = Table(
        name="cells",
        title="The data-copying test, cell by cell",
        columns=("cell", "generated", "held-out", "z"),
        rows=tuple((c.cell, c.generated, c.heldout, c.z) for c in cells),
        caption="Below about -3 a cell's samples are nearer to the training set than held-out images of that cell.",
    )
    return (table,)


def exact_table(near: Neighbors, train: Images) -> tuple[Table, ...]:
    """List the samples that are training images to the last bit, one by one, where there are any."""
    hit = np.flatnonzero(near.distance == 0)
    if not len(hit):
        return ()
    rows = tuple((int(i), int(near.index[i]), train.source_name(int(near.index[i]))) for i in hit[:_EXACT_LISTED])
    caption = f"{len(rows)} of {len(hit)}." if len(rows) < len(hit) else ""
    return (
        Table(
            name="exact_copies",
            title="Samples that are training images, to the last bit",
            columns=("sample", "training image", "name"),
            rows=rows,
            caption=caption,
            csv="exact_copies.csv",
        ),
    )
