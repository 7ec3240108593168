"""What the rows of ``latent-dimension`` show."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from didlearn.result.values import Cell, CheckResult, Estimate, Figure, Role, Series, Table
from didlearn.result.words import interval, number
from didlearn.statistics.means import mean_difference
from didlearn.studies.study import StudyRow

_ROLES: tuple[Role, ...] = ("generated", "heldout", "train", "perturbed", "outside", "theory", "other")
_FOUND = 0.9  # of planted images: below, a large error may be the search's


def result_of_rows(name: str, models: list[str], rows: list[StudyRow]) -> CheckResult:
    """Turn rows into a result."""
    estimates = _gaps(rows)
    return CheckResult(
        check=name,
        verdict="measured",
        answer=_answer(models, rows, estimates),
        estimates=estimates,
        tables=(_errors(rows), _controls(rows)),
        figures=(
            _against_latent(models, rows, "held-out"),
            _against_latent(models, rows, "shuffled pixels"),
            _distance(models, rows),
            _plane(models, rows),
        ),
        notes=_notes(rows),
    )


def _notes(rows: list[StudyRow]) -> tuple[str, ...]:
    notes = [
        "All models have one decoder. An autoencoder is no lower bound for a GAN: it is trained for this error, with "
        "an encoder's help, and GLO is nearer to what the decoder can do. The paper's inequality is empirical.",
        "Fréchet distances are those of samples (autoencoder and GLO draw from a Gaussian fitted to their codes) "
        "against held-out images, in the features of a classifier trained on the training images.",
    ]
    poor = [row for row in rows if row["planted"] < _FOUND]
    if poor:
        which = ", ".join(sorted({f"{row['model']} at {row['latent']}" for row in poor}))
        notes.append(
            f"The search found fewer than {_FOUND:.0%} of images known to be there for {which}: errors there are upper "
            "bounds."
        )
    return tuple(notes)


def _gaps(rows: list[StudyRow]) -> dict[str, Estimate]:
    """How much more GAN than autoencoder errs on held-out images, at each latent dimension, in log units over seeds."""
    found = {}
    for latent in sorted({row["latent"] for row in rows}):
        pair = [
            np.log([row["error"]["held-out"][0] for row in rows if row["model"] == model and row["latent"] == latent])
            for model in ("wgan-gp", "autoencoder")
        ]
        if min(map(len, pair)) > 1:
            found[f"log_error_ratio_{latent}"] = mean_difference(pair[0], pair[1], unit="nats")
    return found


def _answer(models: list[str], rows: list[StudyRow], gaps: dict[str, Estimate]) -> str:
    said = []
    for model in models:
        values = {latent: _mean(rows, model, latent, _held_out) for latent in _latents(rows)}
        known = [(latent, value) for latent, value in values.items() if value is not None]
        if len(known) > 1:
            (first, before), (last, after) = known[0], known[-1]
            said.append(f"{model}: {number(before)} at {first}, {number(after)} at {last}")
    if not said:
        return "Too few models are finished to say."
    last_gap = list(gaps.items())[-1:] if gaps else []
    tail = "".join(
        f" At the largest latent the GAN's error is {number(math.exp(gap.point))} times the autoencoder's "
        f"(log ratio {interval(gap)})."
        for _, gap in last_gap
    )
    return f"Mean squared error of held-out images by latent dimension: {'; '.join(said)}.{tail}"


def _latents(rows: list[StudyRow]) -> list[int]:
    return sorted({row["latent"] for row in rows})


def _held_out(row: StudyRow) -> float:
    value: float = row["error"]["held-out"][0]
    return value


def _mean(rows: list[StudyRow], model: str, latent: int, read: Callable[[StudyRow], float]) -> float | None:
    values = [read(row) for row in rows if row["model"] == model and row["latent"] == latent]
    return float(np.mean(values)) if values else None


def _line(models: list[str], rows: list[StudyRow], read: Callable[[StudyRow], float]) -> tuple[Series, ...]:
    """One line a model: the mean over seeds against the latent dimension, with the seeds' range as a band."""
    series = []
    for role, model in zip(_ROLES, models, strict=False):
        points = []
        for latent in _latents(rows):
            values = [read(row) for row in rows if row["model"] == model and row["latent"] == latent]
            if values:
                points.append((float(latent), float(np.mean(values)), min(values), max(values)))
        if points:
            x, y, low, high = zip(*points, strict=True)
            series.append(Series(label=model, x=x, y=y, low=low, high=high, role=role))
    return tuple(series)


def _against_latent(models: list[str], rows: list[StudyRow], group: str) -> Figure:
    return Figure(
        name=f"error-{group.replace(' ', '-')}",
        title=f"Error of {group} against the latent dimension",
        x_label="latent dimension",
        y_label="mean squared error",
        series=_line(models, rows, lambda row: row["error"][group][0]),
        x_log=True,
        y_log=True,
        caption="By the search, for every model; the mean over seeds, and their range.",
    )


def _distance(models: list[str], rows: list[StudyRow]) -> Figure:
    return Figure(
        name="frechet-distance",
        title="Fréchet distance of samples against the latent dimension",
        x_label="latent dimension",
        y_label="Fréchet distance to held-out images",
        series=_line(models, rows, lambda row: row["frechet_distance"]),
        x_log=True,
        y_log=True,
        caption="The mean over seeds, and their range.",
    )


def _plane(models: list[str], rows: list[StudyRow]) -> Figure:
    series = []
    for role, model in zip(_ROLES, models, strict=False):
        points = sorted((_held_out(row), float(row["frechet_distance"])) for row in rows if row["model"] == model)
        if points:
            x, y = zip(*points, strict=True)
            series.append(Series(label=model, x=x, y=y, style="points", role=role))
    return Figure(
        name="perception-distortion",
        title="Perception against distortion",
        x_label="mean squared error of held-out images (distortion)",
        y_label="Fréchet distance of samples (perception)",
        series=tuple(series),
        x_log=True,
        y_log=True,
        caption="One point a model, after Blau & Michaeli 2018: what is gained on one axis is often paid on the other.",
    )


def _errors(rows: list[StudyRow]) -> Table:
    groups = list(rows[0]["error"]) if rows else []
    columns = ("model", "latent", "seed", *groups, "train, by its encoder", "Fréchet distance")
    lines: list[tuple[Cell, ...]] = [
        (
            row["model"],
            row["latent"],
            row["seed"],
            *(row["error"][group][0] for group in groups),
            row.get("encoder_error", {}).get("train", [None])[0],
            row["frechet_distance"],
        )
        for row in _sorted(rows)
    ]
    return Table(name="errors", title="Mean squared errors", columns=columns, rows=tuple(lines), csv="errors.csv")


def _controls(rows: list[StudyRow]) -> Table:
    columns = (
        "model", "latent", "seed", "planted images found", "train", "train, within the prior's 99 %", "‖ẑ‖²/d",
        "half-way images' distance", "held-out log likelihood", "low", "high",
    )  # fmt: skip
    lines: list[tuple[Cell, ...]] = [
        (
            row["model"],
            row["latent"],
            row["seed"],
            row["planted"],
            row["error"]["train"][0],
            row["error_within"][0],
            row["norm"],
            row["between"],
            *row.get("log_likelihood", [None] * 3),
        )
        for row in _sorted(rows)
    ]
    caption = (
        "Planted: images of the model itself that the search finds. ‖ẑ‖²/d is 1 under the prior. Half-way: distance of "
        "images half-way between held-out ones to the nearest training image, over held-out images' own. Likelihood: "
        "lower bound in nats under Gaussian noise."
    )
    return Table(
        name="controls", title="Controls", columns=columns, rows=tuple(lines), caption=caption, csv="controls.csv"
    )


def _sorted(rows: list[StudyRow]) -> list[StudyRow]:
    return sorted(rows, key=lambda row: (row["model"], row["latent"], row["seed"]))
