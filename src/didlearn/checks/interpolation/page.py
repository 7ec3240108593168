"""Walks on the page: a gallery, how fast images change on the way, and lengths beside distances of real images."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats, Ints, Singles
from didlearn.checks.interpolation.measure import CALLED, Walks
from didlearn.images.picture import to_picture
from didlearn.result.parts import Parts
from didlearn.result.values import Figure, Gallery, Role, Series, Table, Tile

WALKS_SHOWN = 4  # walks of each kind
_PICTURES = 8  # steps between the pictures of a walk, at most
_REAL: Role = "heldout"


def walk_parts(walks: list[Walks], real: Floats | None, group: str) -> Parts:
    """Show walks, beside the distances of pairs of real images (m,) of a group."""
    figures = (_speed(walks, real), _lengths(walks, real, group))
    return Parts(galleries=(_gallery(walks),), tables=(_table(walks, real, group),), figures=figures)


def _role(one: Walks) -> Role:
    return _REAL if one.kind == "fade" else "generated"


def shown_places(steps: int) -> Ints:
    """Return which places of a walk, 0 to ``steps``, are shown: both ends and some between, about evenly."""
    return np.unique(np.rint(np.linspace(0, steps, min(steps, _PICTURES) + 1)).astype(np.int64))


def _gallery(walks: list[Walks]) -> Gallery:
    count = walks[0].pictures.shape[1]
    rows = [
        (one, number, one.pictures[number])
        for number in range(WALKS_SHOWN)
        for one in walks
        if number < len(one.pictures)
    ]
    rows.sort(key=lambda row: row[0].kind == "fade")  # the generator's own first, kind beside kind
    return Gallery(
        name="walks",
        title="Walks between two latents",
        columns=("from", *[""] * (count - 2), "to"),
        rows=tuple(_row(one, number, pictures) for one, number, pictures in rows),
        caption="Straight walks pass nearer to the middle of the latents than any drawn one lies; spherical ones do "
        "not. A cross-fade mixes the pixels of two real images, which is what a generator should not do.",
    )


def _row(one: Walks, number: int, pictures: Singles) -> tuple[Tile, ...]:
    called = f"{'cross-fade' if one.kind == 'fade' else one.kind} {number + 1}"
    return tuple(Tile(caption=called if not i else "", pixels=to_picture(image)) for i, image in enumerate(pictures))


def _speed(walks: list[Walks], real: Floats | None) -> Figure:
    unit = walks[0].ends.mean() if real is None else real.mean()
    of = "the ends' mean distance" if real is None else "two real images' mean distance"
    count = walks[0].steps.shape[1]
    middle = tuple((np.arange(count) + 0.5) / count)
    return Figure(
        name="speed",
        title="How fast images change on the way",
        x_label="place on the walk",
        y_label=f"change per walk, over {of}",
        series=tuple(
            Series(
                label=CALLED[one.kind], x=middle, y=tuple(_over(one.steps.mean(axis=0) * count, unit)), role=_role(one)
            )
            for one in walks
        ),
        caption="The mean over walks: a walk that jumps at a random place does not show here, but by its largest step.",
    )


def _over(values: Floats, unit: float) -> Floats:
    return values / unit if unit > 0 else np.zeros_like(values)


def _lengths(walks: list[Walks], real: Floats | None, group: str) -> Figure:
    series = [_cumulative(f"length, {CALLED[one.kind]}", one.length, _role(one)) for one in walks if one.kind != "fade"]
    series.append(_cumulative("distance of the ends", walks[0].ends, "theory"))
    if real is not None:
        series.append(_cumulative(f"distance of two {group} images", real, _REAL))
    return Figure(
        name="lengths",
        title="How long walks are",
        x_label="distance in the embedding",
        y_label="share of walks",
        series=tuple(series),
        caption="No walk is shorter than its ends are apart. Where the generator knows the distribution, the ends are "
        "as far apart as two real images.",
    )


def _cumulative(label: str, values: Floats, role: Role) -> Series:
    share = (np.arange(len(values)) + 1) / len(values)
    return Series(label=label, x=tuple(np.sort(values)), y=tuple(share), style="step", role=role)


def _table(walks: list[Walks], real: Floats | None, group: str) -> Table:
    rows = [
        (
            CALLED[one.kind],
            len(one.ends),
            float(one.length.mean()),
            float(one.ends.mean()),
            *map(_middle, (one.detour, one.largest)),
        )
        for one in walks
    ]
    if real is not None:
        rows.append((f"pairs of {group} images", len(real), None, float(real.mean()), None, None))
    return Table(
        name="walks",
        title="Walks in the embedding",
        columns=("walks", "number", "mean length", "mean distance of the ends", "median detour", "median largest step"),
        rows=tuple(rows),
        caption=f"Detour: length over the distance of the ends. Largest step: its share of the length, "
        f"1/{walks[0].steps.shape[1]} where all are even.",
    )


def _middle(values: Floats) -> float | None:
    return float(np.median(values)) if len(values) else None
