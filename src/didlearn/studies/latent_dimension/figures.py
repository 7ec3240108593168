"""The figures of ``latent-dimension``: what each model can do against the dimension of its latent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from didlearn.result.values import Figure, Role, Series
from didlearn.studies.study import StudyRow

_ROLES: tuple[Role, ...] = ("generated", "heldout", "train", "perturbed", "outside", "theory", "other")
_SEEDS = "The mean over seeds, and their range."


def figures_of_rows(models: list[str], rows: list[StudyRow]) -> tuple[Figure, ...]:
    """Return the figures that the rows are enough for."""
    return (
        _error(models, rows, "held-out"),
        _error(models, rows, "shuffled pixels"),
        *([_likelihood(models, rows)] if any("log_likelihood" in row for row in rows) else []),
        _distance(models, rows),
        _reconstruction_distance(models, rows),
        _plane(models, rows),
        *_lines(models, rows),
    )


def _against(
    models: list[str],
    rows: list[StudyRow],
    axis: str,
    read: Callable[[StudyRow], float],
    upper: Callable[[StudyRow], float] | None = None,
) -> tuple[Series, ...]:
    """One line a model: the mean over seeds against the rows' entry ``axis``, with a band from least to greatest.

    ``upper``: what the band reaches to, where a value is a lower bound.
    """
    series = []
    for role, model in zip(_ROLES, models, strict=False):
        points = []
        for place in sorted({row[axis] for row in rows}):
            chosen = [row for row in rows if row["model"] == model and row[axis] == place]
            if chosen:
                values = [read(row) for row in chosen]
                high = max((upper or read)(row) for row in chosen)
                points.append((float(place), float(np.mean(values)), min(values), high))
        if points:
            x, y, low, high_ends = zip(*points, strict=True)
            series.append(Series(label=model, x=x, y=y, low=low, high=high_ends, role=role))
    return tuple(series)


def _error(models: list[str], rows: list[StudyRow], group: str) -> Figure:
    return Figure(
        name=f"error-{group.replace(' ', '-')}",
        title=f"Error of {group} against the latent dimension",
        x_label="latent dimension",
        y_label="mean squared error",
        series=_against(models, rows, "latent", lambda row: float(row["error"][group][0])),
        x_log=True,
        y_log=True,
        caption=f"By the search, for every model. {_SEEDS}",
    )


def _likelihood(models: list[str], rows: list[StudyRow]) -> Figure:
    known = [row for row in rows if "log_likelihood" in row]
    return Figure(
        name="log-likelihood",
        title="Held-out log-likelihood against the latent dimension",
        x_label="latent dimension",
        y_label="log-likelihood of an image (nats)",
        series=_against(models, known, "latent", _lower_bound, _upper_end),
        x_log=True,
        caption="The lower bound, its mean over seeds. The band goes from the least seed to the greatest, and above it "
        "by the gap of the bounds on images of the model's own: so far the truth may lie above, as far as these tell.",
    )


def _lower_bound(row: StudyRow) -> float:
    return float(row["log_likelihood"][0])


def _upper_end(row: StudyRow) -> float:
    return _lower_bound(row) + max(0.0, float(row["likelihood_gap"][0]))


def _distance(models: list[str], rows: list[StudyRow]) -> Figure:
    return Figure(
        name="frechet-distance",
        title="Fréchet distance of samples against the latent dimension",
        x_label="latent dimension",
        y_label="Fréchet distance to held-out images",
        series=_against(models, rows, "latent", lambda row: float(row["frechet_distance"])),
        x_log=True,
        y_log=True,
        caption=_SEEDS,
    )


def _reconstruction_distance(models: list[str], rows: list[StudyRow]) -> Figure:
    return Figure(
        name="reconstruction-distance",
        title="Fréchet distance of reconstructions against the latent dimension",
        x_label="latent dimension",
        y_label="Fréchet distance of held-out images and their reconstructions",
        series=_against(models, rows, "latent", lambda row: float(row["reconstruction_distance"][0])),
        x_log=True,
        y_log=True,
        caption=f"Of the search's nearest points, in the features of the other distance. {_SEEDS}",
    )


def _plane(models: list[str], rows: list[StudyRow]) -> Figure:
    series = []
    for role, model in zip(_ROLES, models, strict=False):
        own = [row for row in rows if row["model"] == model]
        points = sorted((float(row["error"]["held-out"][0]), *row["reconstruction_distance"]) for row in own)
        if points:
            x, y, low, high = zip(*points, strict=True)
            series.append(Series(label=model, x=x, y=y, low=low, high=high, style="points", role=role))
    return Figure(
        name="perception-distortion",
        title="Perception against distortion",
        x_label="mean squared error of held-out images (distortion)",
        y_label="Fréchet distance of their reconstructions (perception)",
        series=tuple(series),
        x_log=True,
        y_log=True,
        caption="One point a model, with the distance's interval over images, after Blau & Michaeli 2018: both axes "
        "are of the same reconstructions, those that the search found.",
    )


def _lines(models: list[str], rows: list[StudyRow]) -> list[Figure]:
    """The loss on the way of the search, at the least and at the greatest latent dimension."""
    latents = [row["latent"] for row in rows]
    return [_line(models, rows, latent) for latent in sorted({min(latents), max(latents)})] if latents else []


def _line(models: list[str], rows: list[StudyRow], latent: int) -> Figure:
    series = []
    for role, model in zip(_ROLES, models, strict=False):
        own = [row["line"] for row in rows if row["model"] == model and row["latent"] == latent]
        if own:
            y, low, high = (tuple(np.mean([found[key] for found in own], axis=0)) for key in ("mean", "low", "high"))
            # The mean may lie above the upper quantile; a band that leaves its line out would be no band.
            least, most = tuple(map(min, low, y)), tuple(map(max, high, y))
            series.append(Series(label=model, x=tuple(own[0]["at"]), y=y, low=least, high=most, role=role))
    return Figure(
        name=f"line-{latent}",
        title=f"Loss on the straight line from the start to the latent found, latent dimension {latent}",
        x_label="place on the line: 0 the nearest of the prior's draws, 1 the latent found",
        y_label="mean squared error of held-out images",
        series=tuple(series),
        y_log=True,
        caption="The mean over images, with their 10 % and 90 % quantiles; of all three the mean over seeds.",
    )


def capacity_figures(models: list[str], rows: list[StudyRow]) -> tuple[Figure, ...]:
    """Return held-out error and distance of reconstructions against the decoder's weights, at the greatest latent."""
    greatest = max(row["latent"] for row in rows)
    chosen = [row for row in rows if row["latent"] == greatest]
    kinds = (
        ("error", "mean squared error of held-out images", "error"),
        ("reconstruction-distance", "Fréchet distance of held-out images and their reconstructions", "distance"),
    )
    reads: tuple[Callable[[StudyRow], float], ...] = (
        lambda row: float(row["error"]["held-out"][0]),
        lambda row: float(row["reconstruction_distance"][0]),
    )
    return tuple(
        Figure(
            name=f"capacity-{name}",
            title=f"The {word} against the decoder's size, latent dimension {greatest}",
            x_label="weights of the decoder",
            y_label=label,
            series=_against(models, chosen, "decoder_weights", read),
            x_log=True,
            y_log=True,
            caption=f"One decoder for all models of a width; critics and encoders stay as they are. {_SEEDS}",
        )
        for (name, label, word), read in zip(kinds, reads, strict=True)
    )
