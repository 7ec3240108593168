"""Reconstructions, error curves and tables on the page."""

from __future__ import annotations

from typing import Literal

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.inversion.controls import Controls
from didlearn.checks.inversion.inverted import Inverted
from didlearn.checks.inversion.measure import Groups, Others, summarise
from didlearn.images.picture import to_picture
from didlearn.inversion.invert import Inversion
from didlearn.result.values import Cell, Figure, Gallery, Mark, Role, Series, Table, Tile
from didlearn.result.words import number

_PERCENTILES = (10, 50, 90)
_ERROR_BINS = 24
_SMALLEST = 1e-9
_MEANING = {
    "recovered": "exactly on the manifold, found again (error below 10⁻⁴ of the variance)",
    "recovered_published": "the same, by the published protocol",
    "recovered_0.5": "planted at half the prior's radius",
    "recovered_1.5": "planted at 1.5 times the prior's radius",
    "recovered_noisy": "planted, with noise as strong as the training error: a point at least as near found",
    "segments_consistent": "halfway to a training image, nothing nearer found than the point found for the image",
    "no_way_down": "no direction at the point found for a training image in which the error curves downwards",
}


def group_table(groups: Groups, limit: float) -> Table:
    """Show each group in a line."""
    return Table(
        name="groups",
        title="How near the generator comes",
        columns=(
            "images", "n", "median error", "PSNR (dB)", "by the published protocol", "beyond its own images",
            "‖z‖ unlikely", "log density of the points", "search ended", "decoder passes",
        ),
        rows=tuple((name, *summarise(group, limit)) for name, group in groups.items()),
        caption="Error: mean squared difference per pixel, pixels in [0, 1]. Beyond its own images: above the 99th "
        "percentile of generated and planted ones. ‖z‖ unlikely: two-sided p of ‖z‖² under the prior below 5 %. "
        "Log density: log p(z) − ½ log det JᵀJ, in nats, along the manifold.",
        csv="inversion.csv",
    )  # fmt: skip


def control_table(controls: Controls) -> Table:
    """Show the controls' success rates."""
    return Table(
        name="controls",
        title="Would the search have found them?",
        columns=("planted", "n", "success", "at least", "at most"),
        rows=tuple(
            (_MEANING[name], rate.n, rate.value, rate.low, rate.high) for name, rate in controls.success.items()
        ),
        caption="An error tells how far an image is from the manifold only as far as the search finds what is there.",
    )


def others_table(groups: Groups, others: dict[str, Others], dimension: int) -> Table:
    """Set the generator's median errors beside those of what else comes near."""
    given = any(other.autoencoder is not None for other in others.values())
    columns = ("images", "generator", f"best {dimension}-dimensional subspace", "nearest training image")
    return Table(
        name="baselines",
        title="What else comes near",
        columns=(*columns, "autoencoder") if given else columns,
        rows=tuple((name, *_medians(groups[name], other)) for name, other in others.items()),
        caption="Median squared error per pixel. The subspace is that of the training images' principal components; "
        "a training image is not its own neighbour.",
    )


def _medians(group: Inverted, other: Others) -> tuple[Cell, ...]:
    return tuple(float(np.median(error)) for error in (group.found.error, *other) if error is not None)


def triptychs(groups: Groups) -> Gallery:
    """Show target, reconstruction and difference at the 10th, 50th and 90th percentile of each group's error."""
    rows = []
    for name, group in groups.items():
        order = np.argsort(group.found.error, kind="stable")
        places = (int(order[round((len(order) - 1) * percentile / 100)]) for percentile in _PERCENTILES)
        tiles = (_triptych(name, group, *chosen) for chosen in zip(places, _PERCENTILES, strict=True))
        rows.append(tuple(tile for three in tiles for tile in three))
    return Gallery(
        name="reconstructions",
        title="Targets, the nearest images the generator makes, and the difference",
        columns=("target", "nearest", "difference") * len(_PERCENTILES),
        rows=tuple(rows),
        caption="Each group at the 10th, 50th and 90th percentile of its error. Difference: gray is none, light is too "
        "little, dark too much.",
    )


def _triptych(name: str, group: Inverted, at: int, percentile: int) -> tuple[Tile, Tile, Tile]:
    target, nearest = group.images[at], group.found.image[at]
    return (
        Tile(caption=f"{name}, {percentile} %", pixels=to_picture(target)),
        Tile(caption=f"error {number(float(group.found.error[at]))}", pixels=to_picture(nearest)),
        Tile(caption="", pixels=to_picture(0.5 + (target - nearest) / 2)),
    )


def error_figure(groups: Groups, planted: Floats, limit: float) -> Figure:
    """Draw histograms of the errors, on a logarithmic axis, with the same bins for all groups."""
    everything = np.concatenate([planted, *(group.found.error for group in groups.values())])
    low, high = max(_SMALLEST, float(everything.min()) / 1.5), max(_SMALLEST * 10, float(everything.max()) * 1.5)
    edges = np.geomspace(low, high, _ERROR_BINS + 1)
    series = [_error_histogram("planted", planted, edges, "theory")]
    series += [_error_histogram(name, group.found.error, edges, group.role) for name, group in groups.items()]
    return Figure(
        name="errors",
        title="How far from the manifold",
        x_label="squared error per pixel",
        y_label="share of images",
        series=tuple(series),
        marks=(Mark(label="99 % of its own", x=limit),) if limit > low else (),
        x_log=True,
        caption="Images the generator can make lie left of the mark. If training images lie right of it while planted "
        "ones are found, they are not on its manifold.",
    )


def _error_histogram(label: str, errors: Floats, edges: Floats, role: Role) -> Series:
    counts, _ = np.histogram(np.clip(errors, edges[0], edges[-1]), edges)
    share = np.append(counts / len(errors), 0.0)
    return Series(label=label, x=tuple(edges), y=tuple(share), style="step", role=role)


def effort_figure(groups: Groups, names: tuple[str, ...]) -> Figure:
    """Draw how each group's median error falls with decoder passes, for both searches."""
    series = [curve for name in names if name in groups for curve in _effort_curves(name, groups[name])]
    return Figure(
        name="effort",
        title="Error against effort",
        x_label="decoder passes per image",
        y_label="median squared error per pixel",
        series=tuple(series),
        x_log=True,
        y_log=True,
        caption="A curve that is still falling at its end would fall further with more passes (rounds, starts).",
    )


def _effort_curves(name: str, group: Inverted) -> list[Series]:
    ours = _effort_curve(name, group.found, group.role, "line")
    if group.published is None:
        return [ours]
    return [ours, _effort_curve(f"{name}, published protocol", group.published, group.role, "points")]


def _effort_curve(label: str, found: Inversion, role: Role, style: Literal["line", "points"]) -> Series:
    x = np.median(found.trace_evaluations, axis=0)
    y = np.maximum(np.median(found.trace_objective, axis=0), _SMALLEST)
    return Series(label=label, x=tuple(x), y=tuple(y), style=style, role=role)
