"""``discriminator-size``: does a GAN's diversity grow with its discriminator (Arora et al. 2018, Figure 2)?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import t as student

from didlearn.result.values import Cell as Entry
from didlearn.result.values import CheckResult, Estimate, Figure, Series, Table
from didlearn.result.words import interval, number
from didlearn.rng import Stream
from didlearn.studies.diversity import EVEN_CHANCE, beyond_real, diversity, even_chance
from didlearn.studies.duplicates import duplicates_gallery, duplicates_in, duplicates_of
from didlearn.studies.study import Study, StudyCell, StudyRow, Workplace
from didlearn.studies.trained import Data, train_or_resume
from didlearn.zoo.dcgan import DcganRecipe
from didlearn.zoo.training.networks import Critic


@dataclass(frozen=True)
class DiscriminatorSize(Study):
    """DCGANs with one generator and growing discriminators, the support of each.

    Attributes:
        data: what to train on, as ``open_images`` takes it. size: resized to, or ``None``. crop: cut out
            first, or ``None``.
        embedding: the space in which images look alike, as ``open_embedding`` takes it.
        widths: of the discriminator's first layer ("dim"); the next have 2×, 4×, 8× as many channels.
        seeds: models of each width. steps: of training. batch: images of a step.
        latent, width: of the generator. samples: drawn from each model.
    """

    name: ClassVar[str] = "discriminator-size"
    question: ClassVar[str] = "Does a GAN make more different images the larger its discriminator is?"
    FULL: ClassVar[Mapping[str, object]] = {
        "widths": (16, 24, 32, 48, 64, 96, 128),
        "seeds": 3,
        "steps": 10_000,
        "latent": 100,
        "width": 64,
        "samples": 20_000,
    }

    data: str = "digits"
    size: int | None = None
    crop: int | None = None
    embedding: str = "pixels"
    widths: tuple[int, ...] = (2, 4, 8, 16)
    seeds: int = 3
    steps: int = 3_000
    batch: int = 64
    latent: int = 32
    width: int = 16
    samples: int = 5_000

    def cells(self) -> list[StudyCell]:
        """One for each width and seed, the small ones of all widths first."""
        return [{"width": width, "seed": seed} for seed in range(self.seeds) for width in self.widths]

    def run_cell(self, cell: StudyCell, rng: Stream, place: Workplace) -> StudyRow:
        """Train a DCGAN and measure its support."""
        data = Data.of(self.data, rng.seed, self.size, self.crop)
        recipe = DcganRecipe(
            latent=self.latent,
            width=self.width,
            batch=self.batch,
            steps=self.steps,
            discriminator_width=cell["width"],
        )
        model, distance = train_or_resume(recipe, data, rng, place)
        critic = Critic(data.train.shape, cell["width"], "batch")
        weights = sum(parameter.numel() for parameter in critic.parameters())
        subject = data.subject(model, rng, place, self.embedding)
        found = diversity(subject, self.samples) | {"duplicates": duplicates_of(subject, self.samples)}
        return {"discriminator_weights": weights, "frechet_distance": distance, **found}

    def summarise(self, rows: list[StudyRow]) -> CheckResult:
        """Tabulate the supports, and fit log support against log weights."""
        slope = fit_slope(rows)
        estimates = {"slope": slope} if slope is not None else {}
        return CheckResult(
            check=self.name,
            verdict="measured",
            answer=_answer(slope, rows),
            estimates=estimates,
            tables=(_table(rows),),
            figures=(_figure(rows),),
            galleries=duplicates_gallery(
                [(f"width {row['width']}, seed {row['seed']}", duplicates_in(row)) for row in _ordered(rows)], "model"
            ),
            notes=(
                "A slope of 1 is diversity in proportion to the discriminator's weights, what the paper reports for "
                "CelebA; 0 is diversity that does not depend on them.",
                "Diversity is 1/Σp² at the distance within which one in ten thousand pairs of real images lies; "
                "the paper counted duplicates by eye. Look-alikes are more frequent, so these numbers are smaller.",
                EVEN_CHANCE,
                "A model whose images are noisier than real ones has fewer look-alikes than they have: a support above "
                "that of real images is spread that the data do not have, and no diversity learned from them.",
                "Every model has the same generator and the same number of steps: small discriminators may also simply "
                "be worse teachers, and diversity of bad images is no success. The Fréchet distance stands beside it.",
            ),
        )


def fit_slope(rows: list[StudyRow], level: float = 0.95) -> Estimate | None:
    """Fit log(look-alike support) on log(discriminator weights): one point a model, Student's interval."""
    points = [(row["discriminator_weights"], _support(row)) for row in rows]
    usable = np.log([(weights, support) for weights, support in points if support is not None])
    if len(usable) < 3 or len(np.unique(usable[:, 0])) < 2:
        return None
    x, y = usable[:, 0] - usable[:, 0].mean(), usable[:, 1]
    slope = float(x @ y / (x @ x))
    residual = y - y.mean() - slope * x
    error = float(np.sqrt(residual @ residual / (len(x) - 2) / (x @ x)))
    half = float(student.ppf((1 + level) / 2, len(x) - 2)) * error
    method = "least squares of log support on log weights, Student's t over models"
    return Estimate(value=slope, low=slope - half, high=slope + half, level=level, n=len(x), method=method)


def _support(row: StudyRow) -> float | None:
    found = row.get("lookalike_support")
    return None if found is None else found[0]


def _answer(slope: Estimate | None, rows: list[StudyRow]) -> str:
    if slope is None:
        return f"Too few models are finished ({len(rows)}) to say."
    power = f"with the power {number(slope.point)} ({interval(slope)}) of the discriminator's weights"
    if slope.low_or(-math.inf) > 0:
        said = f"Diversity grows {power}."
    elif slope.high_or(math.inf) < 0:
        said = f"Diversity falls {power}."
    else:
        said = f"Diversity goes {power}: no growth is shown."
    return said + beyond_real(rows)


def _table(rows: list[StudyRow]) -> Table:
    columns = (
        "discriminator width", "weights", "seed", "look-alike support", "low", "high", "real images show",
        "even-chance batch", " low", " high", "effective support", "low ", "high ", "Fréchet distance",
    )  # fmt: skip
    lines: list[tuple[Entry, ...]] = []
    for row in _ordered(rows):
        alike, real = row.get("lookalike_support") or [None] * 3, row.get("lookalike_support_real") or [None]
        lines.append(
            (row["width"], row["discriminator_weights"], row["seed"], *alike, real[0], *even_chance(alike),
             *row["effective_support"], row["frechet_distance"])
        )  # fmt: skip
    return Table(name="models", title="Model by model", columns=columns, rows=tuple(lines), csv="models.csv")


def _ordered(rows: list[StudyRow]) -> list[StudyRow]:
    return sorted(rows, key=lambda row: (row["width"], row["seed"]))


def _figure(rows: list[StudyRow]) -> Figure:
    own = sorted((row["discriminator_weights"], *row["lookalike_support"]) for row in rows if _support(row) is not None)
    series = []
    if own:
        # Nothing is drawn towards an open end.
        closed = [(x, y, y if low is None else low, y if high is None else high) for x, y, low, high in own]
        x, y, low, high = (tuple(map(float, column)) for column in zip(*closed, strict=True))
        series.append(Series(label="models", x=x, y=y, low=low, high=high, style="points", role="generated"))
    real = [row["lookalike_support_real"][0] for row in rows if row.get("lookalike_support_real")]
    if own and real and real[0] is not None:
        series.append(Series(label="real images", x=(x[0], x[-1]), y=(real[0],) * 2, role="heldout"))
    return Figure(
        name="support",
        title="Diversity against the discriminator's size",
        x_label="discriminator weights",
        y_label="look-alike support (images)",
        series=tuple(series),
        x_log=True,
        y_log=True,
        caption="One point a model, with the 95 % interval of its own sample; models differ by more than that.",
    )
