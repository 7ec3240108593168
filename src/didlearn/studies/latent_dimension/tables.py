"""The tables of ``latent-dimension``: every number with its interval, over images and over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from didlearn.result.values import Cell, Table
from didlearn.statistics.means import mean
from didlearn.studies.study import StudyRow

_LIKELIHOOD = "held-out log-likelihood, lower bound (nats)"
_OPEN: tuple[None, None, None] = (None, None, None)
_TINY, _FAR = 1e-300, 690.0


def tables_of_rows(rows: list[StudyRow]) -> tuple[Table, ...]:
    """Return what a reader looks at first, then the controls, then all numbers with their intervals."""
    keys = ("model", "latent", *(("width",) if any("width" in row for row in rows) else ()), "seed")
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
    return tuple(make(ordered, keys) for make in (_errors, _over_seeds, _controls, _over_images))


def _errors(rows: list[StudyRow], keys: tuple[str, ...]) -> Table:
    groups = list(rows[0]["error"]) if rows else []
    columns = (
        *keys, *groups, "train, by its encoder", "Fréchet distance of samples",
        "of reconstructions",
    )  # fmt: skip
    lines: list[tuple[Cell, ...]] = [
        (
            *(row[key] for key in keys),
            *(row["error"][group][0] for group in groups),
            row.get("encoder_error", {}).get("train", [None])[0],
            row["frechet_distance"],
            row["reconstruction_distance"][0],
        )
        for row in rows
    ]
    return Table(name="errors", title="Mean squared errors", columns=columns, rows=tuple(lines), csv="errors.csv")


def _quantities(row: StudyRow) -> Iterator[tuple[str, tuple[float | None, ...], bool]]:
    """Yield the name of each number of a row, its value, low and high, and whether it is compared by its logarithm."""
    for group, found in row["error"].items():
        yield f"error, {group}", tuple(found), True
    for group, found in row.get("encoder_error", {}).items():
        yield f"error, {group}, by its encoder", tuple(found), True
    yield "error, train, within the prior's 99 %", tuple(row["error_within"]), True
    yield "Fréchet distance of reconstructions", tuple(row["reconstruction_distance"]), True
    if "encoder_distance" in row:
        yield "Fréchet distance of reconstructions, by its encoder", tuple(row["encoder_distance"]), True
    yield "Fréchet distance of samples", (row["frechet_distance"], None, None), True
    if "log_likelihood" in row:
        yield _LIKELIHOOD, tuple(row["log_likelihood"]), False
        yield "gap of its bounds on images of its own (nats)", tuple(row["likelihood_gap"]), False


def _over_images(rows: list[StudyRow], keys: tuple[str, ...]) -> Table:
    lines: list[tuple[Cell, ...]] = [
        (*(row[key] for key in keys), name, *ends) for row in rows for name, ends, _ in _quantities(row)
    ]
    return Table(
        name="over-images",
        title="Every number, with its interval over images",
        columns=(*keys, "number", "value", "low", "high"),
        rows=tuple(lines),
        caption="95 %: Student's for means, by the influence of each pair of images for Fréchet distances.",
        csv="over-images.csv",
    )


def _over_seeds(rows: list[StudyRow], keys: tuple[str, ...]) -> Table:
    """Numbers of each model and latent over its seeds: distances, errors and likelihood of held-out images."""
    shown = ("error, held-out", "Fréchet distance of reconstructions", "Fréchet distance of samples", _LIKELIHOOD)
    kinds = list(dict.fromkeys(tuple(row[key] for key in keys[:-1]) for row in rows))
    lines: list[tuple[Cell, ...]] = []
    for kind in kinds:
        own = [row for row in rows if tuple(row[key] for key in keys[:-1]) == kind]
        found = {name: over_seeds(own, name) for name in shown}
        lines.append((*kind, len(own), *(end for name in shown for end in found[name])))
    return Table(
        name="over-seeds",
        title="Held-out images, over seeds",
        columns=(
            *keys[:-1], "seeds", "error", "low", "high", "Fréchet distance of reconstructions", "low ", "high ",
            "Fréchet distance of samples", " low", " high", _LIKELIHOOD, " low ", " high ",
        ),
        rows=tuple(lines),
        caption="95 %, Student's over seeds: models trained anew. Of errors and distances the geometric mean, with the "
        "interval of the mean logarithm. Two seeds have wide intervals.",
        csv="over-seeds.csv",
    )  # fmt: skip


def over_seeds(rows: list[StudyRow], name: str) -> tuple[float | None, float | None, float | None]:
    """Return the mean of a number over models that differ in their seed, with Student's interval."""
    found = [(ends[0], log) for row in rows for other, ends, log in _quantities(row) if other == name]
    values, log = np.array([value for value, _ in found], dtype=float), any(log for _, log in found)
    if not len(values):
        return _OPEN
    if len(values) == 1:
        return float(values[0]), None, None
    estimate = mean(np.log(np.maximum(values, _TINY)) if log else values)
    value, low, high = estimate.point, estimate.low_or(-math.inf), estimate.high_or(math.inf)
    return (_exp(value), _exp(low), _exp(high)) if log else (value, low, high)


def _exp(value: float) -> float:
    """Return exp(value), as far as numbers go: the interval of two seeds may be wider."""
    return math.exp(min(max(value, -_FAR), _FAR))


def _controls(rows: list[StudyRow], keys: tuple[str, ...]) -> Table:
    columns = (
        *keys, "planted images found", "train", "train, within the prior's 99 %", "‖ẑ‖²/d",
        "half-way images' distance", "lines that rise first", "low ", "high ", "held-out log likelihood", "low",
        "high", "gap of its bounds",
    )  # fmt: skip
    lines: list[tuple[Cell, ...]] = [
        (
            *(row[key] for key in keys),
            row["planted"],
            row["error"]["train"][0],
            row["error_within"][0],
            row["norm"],
            row["between"],
            *row["line"]["barrier"],
            *row.get("log_likelihood", _OPEN),
            row.get("likelihood_gap", _OPEN)[0],
        )
        for row in rows
    ]
    caption = (
        "Planted: images of the model itself that the search finds. ‖ẑ‖²/d is 1 under the prior. Half-way: distance of "
        "images half-way between held-out ones to the nearest training image, over held-out images' own. "
        "Lines: share of held-out images whose error rises above the start's between the start and the latent found, "
        "with Clopper and Pearson's interval. Likelihood: "
        "lower bound in nats under Gaussian noise; gap: what lies between the bounds on images that the model makes."
    )
    return Table(
        name="controls", title="Controls", columns=columns, rows=tuple(lines), caption=caption, csv="controls.csv"
    )


def semi_synthetic_table(rows: list[StudyRow], plain: list[StudyRow]) -> Table:
    """Errors of GANs fitted to a trained decoder, beside the truth's own and the same kind's on real images."""
    lines: list[tuple[Cell, ...]] = []
    for row in sorted(rows, key=lambda row: (row["model"], row["latent"], row["seed"])):
        key = tuple(row[name] for name in ("model", "latent", "seed"))
        real = [
            x["error"]["held-out"][0] for x in plain if tuple(x[name] for name in ("model", "latent", "seed")) == key
        ]
        moved = (*row["error"].get("moved", _OPEN), row["true_error"].get("moved", _OPEN)[0], row["known"].get("moved"))
        lines.append(
            (row["truth"], *key, *row["error"]["held-out"], row["true_error"]["held-out"][0], *moved,
             *(real[:1] or [None]), *row["reconstruction_distance"], row["frechet_distance"])
        )  # fmt: skip
    return Table(
        name="semi-synthetic",
        title="Semi-synthetic: a trained decoder as the truth",
        columns=(
            "truth", "model", "latent", "seed", "error of its other samples", "low", "high", "by the truth itself",
            "of samples moved off", "low ", "high ", "by the truth itself ", "known",
            "the same model's error of real held-out images", "Fréchet distance of reconstructions", " low", " high",
            "of samples",
        ),
        rows=tuple(lines),
        caption="Moved off: at right angles to the truth's manifold, so that the nearest point's error is known. "
        "Distances in the features of the others, against samples of the truth.",
        csv="semi-synthetic.csv",
    )  # fmt: skip
