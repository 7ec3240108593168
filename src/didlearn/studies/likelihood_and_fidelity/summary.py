"""What the rows of ``likelihood-and-fidelity`` show: whether two numbers rank models alike."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.result.values import Cell, CheckResult, Estimate, Figure, Role, Series, Table
from didlearn.result.words import interval, number
from didlearn.rng import generator
from didlearn.statistics.rank_correlation import RankCorrelation, rank_correlation
from didlearn.studies.study import StudyRow

_ROLES: tuple[Role, ...] = ("generated", "heldout", "train", "perturbed", "outside", "theory", "other")
_OWN = "given"  # the kind of models that were not trained here
_ALPHA = 0.05


class ModelScores(NamedTuple):
    """Log Fréchet distances and mean log-likelihoods of units, (n,) each: models, or the means of a setting's seeds."""

    distance: Floats
    likelihood: Floats

    def agreement(self) -> RankCorrelation | None:
        """Return how far a small distance goes with a high likelihood: 1 for the same order, −1 for the opposite."""
        try:
            return rank_correlation(-self.distance, self.likelihood, generator(0, "likelihood-and-fidelity"))
        except UsageError:  # too few, or all the same
            return None


def agreement_result(name: str, sigma: float, rows: list[StudyRow]) -> CheckResult:
    """Turn rows into a result."""
    units = of_settings(rows)
    whole = units.agreement()
    estimates: dict[str, Estimate] = {}
    if whole is not None:
        estimates = {"rank_agreement": whole.correlation, "rank_agreement_pvalue": whole.pvalue}
    within = {kind: of_models([row for row in rows if kind_of(row) == kind]).agreement() for kind in _kinds(rows)}
    estimates |= {f"rank_agreement_{kind}": found.correlation for kind, found in within.items() if found is not None}
    return CheckResult(
        check=name,
        verdict="measured",
        answer=_answer(whole, len(rows), len(units.distance)),
        estimates=estimates,
        tables=(_by_kind(rows, within), _models(rows)),
        figures=(_plane(rows),),
        notes=_notes(sigma, rows),
    )


def kind_of(row: StudyRow) -> str:
    """Return the kind of a row's model."""
    return str(row.get("model", _OWN))


def _kinds(rows: list[StudyRow]) -> list[str]:
    return sorted({kind_of(row) for row in rows})


def of_models(rows: list[StudyRow]) -> ModelScores:
    """Return the scores of every model."""
    pairs = [(np.log(max(row["frechet_distance"][0], 1e-300)), row["log_likelihood"][0]) for row in rows]
    return ModelScores(*np.array(pairs, dtype=float).reshape(-1, 2).T)


def of_settings(rows: list[StudyRow]) -> ModelScores:
    """Return the scores of every setting, means over its seeds: models that differ in their seed alone are one unit."""
    settings: dict[str, list[StudyRow]] = {}
    for row in rows:
        settings.setdefault(_setting(row), []).append(row)
    means = [[scores.mean() for scores in of_models(own)] for own in settings.values()]
    return ModelScores(*np.array(means, dtype=float).reshape(-1, 2).T)


def _setting(row: StudyRow) -> str:
    return str(row["folder"]) if "folder" in row else f"{row['model']}, {row['steps']} steps, width {row['width']}"


def _answer(whole: RankCorrelation | None, models: int, settings: int) -> str:
    if whole is None:
        return f"Too few settings are finished ({settings}) to rank them."
    found, pvalue = whole.correlation, whole.pvalue.point
    over = f"over {settings} settings ({models} models), rank correlation {number(found.point)} ({interval(found)})"
    if pvalue >= _ALPHA:
        return f"No agreement between the two rankings is shown: {over}, p = {number(pvalue)}."
    if found.point > 0:
        return f"Models of smaller Fréchet distance find held-out images likelier: {over}, p = {number(pvalue)}."
    return f"Models of smaller Fréchet distance find held-out images less likely: {over}, p = {number(pvalue)}."


def _notes(sigma: float, rows: list[StudyRow]) -> tuple[str, ...]:
    gap = max((row["gap"][0] for row in rows), default=0.0)
    return (
        f"Likelihoods are lower bounds, under normal noise of σ = {number(sigma)} on every pixel, the same for all "
        f"models: another σ may rank them otherwise. On images of its own no model's bounds lie more than "
        f"{number(gap)} nats apart in the mean; on real images they may be looser.",
        "A unit of the rank correlation over all models is a setting: kind, length and width, its seeds averaged. "
        "Within a kind it is a model, each trained by itself. Kinds were chosen, not drawn: the interval says what "
        "other trainings would give, not what other kinds of models would.",
        "All models are measured on the same held-out images: intervals over images say how far each number is known, "
        "and differences between models are known better.",
    )


def _by_kind(rows: list[StudyRow], within: dict[str, RankCorrelation | None]) -> Table:
    lines: list[tuple[Cell, ...]] = []
    for kind, found in within.items():
        own = of_models([row for row in rows if kind_of(row) == kind])
        agreement: tuple[Cell, ...] = (None,) * 4
        if found is not None:
            c = found.correlation
            agreement = (c.value, c.low, c.high, found.pvalue.value)
        best = float(np.exp(own.distance.min())), float(own.likelihood.max())
        lines.append((kind, len(own.distance), *best, *agreement))
    return Table(
        name="kinds",
        title="By kind",
        columns=(
            "model", "models", "least Fréchet distance", "greatest log-likelihood (nats)", "rank agreement within",
            "low", "high", "p",
        ),
        rows=tuple(lines),
        caption="Rank agreement: Spearman's correlation of −distance and likelihood, over the models of the kind.",
        csv="kinds.csv",
    )  # fmt: skip


def _models(rows: list[StudyRow]) -> Table:
    lines: list[tuple[Cell, ...]] = [
        (
            Path(row["folder"]).name if "folder" in row else row["model"],
            row.get("steps"),
            row.get("width"),
            row.get("seed"),
            *row["frechet_distance"],
            *row["log_likelihood"],
            *row["bits_per_dim"],
            row["gap"][0],
        )
        for row in sorted(rows, key=lambda row: (_setting(row), row.get("seed", 0)))
    ]
    return Table(
        name="models",
        title="Model by model",
        columns=(
            "model", "steps", "width", "seed", "Fréchet distance", "low", "high", "log-likelihood (nats)", "low ",
            "high ", "bits a dimension", " low", " high", "gap of the bounds (nats)",
        ),
        rows=tuple(lines),
        caption="95 % over images. Bits a dimension of 256 grey levels: less is likelier, 8 is noise.",
        csv="models.csv",
    )  # fmt: skip


def _plane(rows: list[StudyRow]) -> Figure:
    series = []
    for number_, kind in enumerate(_kinds(rows)):
        points = sorted(
            (float(row["log_likelihood"][0]), *map(float, row["frechet_distance"]))
            for row in rows
            if kind_of(row) == kind
        )
        x, y, low, high = zip(*points, strict=True)
        # A normal interval may reach below 0, which a logarithmic axis has not.
        closed = tuple(max(end, value / 10) for end, value in zip(low, y, strict=True))
        role = _ROLES[number_ % len(_ROLES)]
        series.append(Series(label=kind, x=x, y=y, low=closed, high=high, style="points", role=role))
    return Figure(
        name="plane",
        title="Fréchet distance against likelihood",
        x_label="log-likelihood of a held-out image (nats)",
        y_label="Fréchet distance of samples",
        series=tuple(series),
        y_log=True,
        caption="One point a model, with the distance's 95 % interval over images. Better ones lie to the lower right.",
    )
