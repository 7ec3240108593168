"""What the rows of ``latent-dimension`` show."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from didlearn.result.values import CheckResult, Estimate
from didlearn.result.words import interval, number
from didlearn.statistics.means import mean_difference
from didlearn.studies.latent_dimension.figures import capacity_figures, figures_of_rows
from didlearn.studies.latent_dimension.tables import semi_synthetic_table, tables_of_rows
from didlearn.studies.study import StudyRow

GANS = ("wgan-gp", "dcgan", "bigan", "r3gan")
_FOUND = 0.9  # of planted images: below, a large error may be the search's


def result_of_rows(name: str, models: list[str], rows: list[StudyRow]) -> CheckResult:
    """Turn rows into a result; of several widths the greatest is what is said and drawn against the latent."""
    plain = [row for row in rows if "truth" not in row]
    fitted = [row for row in rows if "truth" in row]
    widest = max((row.get("width", 0) for row in plain), default=0)
    chosen = [row for row in plain if row.get("width", 0) == widest]
    estimates = _gaps(chosen)
    return CheckResult(
        check=name,
        verdict="measured",
        answer=_answer(models, chosen, estimates),
        estimates=estimates,
        tables=tables_of_rows(plain) + ((semi_synthetic_table(fitted, chosen),) if fitted else ()),
        figures=figures_of_rows(models, chosen) + (capacity_figures(models, plain) if widest else ()),
        notes=_notes(plain) + (_fitted_notes() if fitted else ()),
    )


def _fitted_notes() -> tuple[str, ...]:
    return (
        "Semi-synthetic: GANs fitted to samples of a trained decoder with their own latent dimension and width. Such "
        "samples have nothing beyond the dimensions of the latent, and the truth's own search shows what can be found: "
        "what a GAN errs by there is what it did not learn.",
    )


def _notes(rows: list[StudyRow]) -> tuple[str, ...]:
    notes = [
        "All models have one decoder. An autoencoder is no lower bound for a GAN: it is trained for this error, with "
        "an encoder's help, and GLO is nearer to what the decoder can do. The paper's inequality is empirical.",
        "Fréchet distances of samples (autoencoder and GLO draw from a Gaussian fitted to their codes) are those to "
        "held-out images; those of reconstructions compare held-out images with what the search makes of these very "
        "images. Both are in the features of a classifier trained on the training images, or in pixels without labels. "
        "They stand for different numbers of images: compare models, not the two with one another.",
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
    """How much more GANs than the autoencoder err on held-out images, by latent dimension, in log units over seeds."""
    found = {}
    for gan in GANS:
        for latent in sorted({row["latent"] for row in rows}):
            pair = [
                np.log([_held_out(row) for row in rows if row["model"] == model and row["latent"] == latent])
                for model in (gan, "autoencoder")
            ]
            if min(map(len, pair)) > 1:
                name = f"{latent}" if gan == GANS[0] else f"{gan}_{latent}"
                found[f"log_error_ratio_{name}"] = mean_difference(pair[0], pair[1], unit="nats")
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
    own = [gap for name, gap in gaps.items() if name.removeprefix("log_error_ratio_").isdigit()]
    tail = "".join(
        f" At the largest latent the GAN's error is {number(math.exp(gap.point))} times the autoencoder's "
        f"(log ratio {interval(gap)})."
        for gap in own[-1:]
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
