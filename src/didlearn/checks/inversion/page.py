"""Reconstructions and error curves on the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from didlearn.arrays import Array
from didlearn.checks.groups import Group
from didlearn.images.picture import to_picture
from didlearn.result.values import Figure, Gallery, Mark, Series, Tile

_PERCENTILES = (10, 50, 90)
_BINS = 24
_LEAST = 1e-9


def triptychs(groups: dict[str, Group]) -> Gallery:
    """Show target, reconstruction and difference at the 10th, 50th and 90th percentile of each group's error."""
    rows = []
    for group in groups.values():
        order = np.argsort(group.found.error, kind="stable")
        row: list[Tile] = []
        for percentile in _PERCENTILES:
            at = int(order[round((len(order) - 1) * percentile / 100)])
            error = float(group.found.error[at])
            row.append(
                Tile(caption=f"{group.name}, {percentile} %", pixels=to_picture(np.clip(group.images[at], 0, 1)))
            )
            row.append(Tile(caption=f"error {error:.2g}", pixels=to_picture(np.clip(group.found.image[at], 0, 1))))
            row.append(Tile(caption="", pixels=_difference(group.images[at], group.found.image[at])))
        rows.append(tuple(row))
    return Gallery(
        name="reconstructions",
        title="Targets, the nearest images the generator makes, and the difference",
        columns=("target", "nearest", "difference") * len(_PERCENTILES),
        rows=tuple(rows),
        caption="Each group at the 10th, 50th and 90th percentile of its error. Difference: gray is none, light is too "
        "little, dark too much.",
    )


def _difference(target: Array, image: Array) -> Array:
    return to_picture(np.clip(0.5 + (target - image) / 2, 0, 1))


def error_figure(groups: dict[str, Group], planted: Array, limit: float) -> Figure:
    """Draw histograms of the errors, on a logarithmic axis, with the same bins for all groups."""
    everything = np.concatenate([planted, *(group.found.error for group in groups.values())])
    low, high = max(_LEAST, float(everything.min()) / 1.5), max(_LEAST * 10, float(everything.max()) * 1.5)
    edges = np.geomspace(low, high, _BINS + 1)
    series = [_histogram("planted", planted, edges, "theory")]
    series += [_histogram(g.name, g.found.error, edges, g.role) for g in groups.values()]
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


def _histogram(label: str, errors: Array, edges: Array, role: Any) -> Series:
    counts, _ = np.histogram(np.clip(errors, edges[0], edges[-1]), edges)
    share = np.append(counts / len(errors), 0.0)
    return Series(label=label, x=tuple(edges), y=tuple(share), style="step", role=role)


def effort_figure(groups: dict[str, Group], names: tuple[str, ...]) -> Figure:
    """Draw how each group's median error falls with decoder passes, for both searches."""
    series = []
    for name in names:
        if name not in groups:
            continue
        group = groups[name]
        series.append(_curve(name, group.found.trace_evaluations, group.found.trace_objective, group.role))
        if group.published is not None:
            traced = group.published.trace_evaluations, group.published.trace_objective
            series.append(_curve(f"{name}, published protocol", *traced, group.role, "points"))
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


def _curve(label: str, passes: Array, errors: Array, role: Any, style: Any = "line") -> Series:
    x = np.median(passes, axis=0)
    y = np.maximum(np.median(errors, axis=0), _LEAST)
    return Series(label=label, x=tuple(x), y=tuple(y), style=style, role=role)
