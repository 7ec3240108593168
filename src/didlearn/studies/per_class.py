"""``per-class``: how many different images of each class does a conditional GAN make (Arora et al. 2018, Table 1)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import spearmanr

from didlearn.errors import UsageError
from didlearn.result.values import Cell as Entry
from didlearn.result.values import CheckResult, Figure, Series, Table
from didlearn.result.words import number, to_places
from didlearn.rng import Stream
from didlearn.studies.diversity import EVEN_CHANCE, class_supports, even_chance
from didlearn.studies.duplicates import ShownPairs, class_duplicates, duplicates_gallery
from didlearn.studies.study import Study, StudyCell, StudyRow, Workplace
from didlearn.studies.trained import Data, train_or_resume
from didlearn.zoo.stacked_gan import StackedGanRecipe


@dataclass(frozen=True)
class PerClass(Study):
    """The support of every class of a stacked GAN, beside that of the class's real images.

    Attributes:
        data: labelled images, as ``open_images`` takes them. size: resized to, or ``None``. crop: cut out
            first, or ``None``.
        embedding: the space in which images look alike, as ``open_embedding`` takes it.
        seeds: models. steps: of training. batch: images of a step.
        latent, width, discriminator_width: of the model. samples: drawn from each model, all classes together.
    """

    name: ClassVar[str] = "per-class"
    question: ClassVar[str] = "How many different images of each class does a conditional GAN make?"
    FULL: ClassVar[Mapping[str, object]] = {
        "steps": 10_000,
        "latent": 100,
        "width": 64,
        "discriminator_width": 64,
        "samples": 50_000,
    }

    data: str = "digits"
    size: int | None = None
    crop: int | None = None
    embedding: str = "pixels"
    seeds: int = 3
    steps: int = 3_000
    batch: int = 64
    latent: int = 64
    width: int = 16
    discriminator_width: int = 8
    samples: int = 10_000

    def cells(self) -> list[StudyCell]:
        """One for each model."""
        return [{"seed": seed} for seed in range(self.seeds)]

    def run_cell(self, cell: StudyCell, rng: Stream, place: Workplace) -> StudyRow:  # noqa: ARG002 (the stream tells seeds apart)
        """Train a stacked GAN and measure every class."""
        data = Data.of(self.data, rng.seed, self.size, self.crop)
        if data.train.labels is None:
            raise UsageError(f"the study {self.name} needs labelled images, and {self.data} has no labels")
        recipe = StackedGanRecipe(
            latent=self.latent,
            upper_noise=self.latent // 2,
            width=self.width,
            batch=self.batch,
            steps=self.steps,
            discriminator_width=self.discriminator_width,
        )
        model, distance = train_or_resume(recipe, data, rng, place)
        subject = data.subject(model, rng, place, self.embedding)
        classes, pairs = class_supports(subject, self.samples), class_duplicates(subject, self.samples)
        found = {"distance": classes.pop("distance"), "classes": classes, "duplicates": pairs}
        return {"frechet_distance": distance, **found}

    def summarise(self, rows: list[StudyRow]) -> CheckResult:
        """Tabulate class by class, and say whether classes that vary more in truth vary more here."""
        entries = [(row["seed"], name, sides) for row in rows for name, sides in row["classes"].items()]
        return CheckResult(
            check=self.name,
            verdict="measured",
            answer=_answer(entries),
            tables=(_table(entries),),
            figures=(_figure(entries),),
            galleries=duplicates_gallery(_first_model(rows), "class"),
            notes=(
                "Pairs are counted within a class, at one distance for all: that at which real images have about "
                "two hundred pairs of one class. The paper's batches for an even chance of a duplicate (by eye, "
                "CIFAR-10) went from 50 (automobile, frog) to 500 (aeroplane, bird, deer, ship).",
                "The real column is the training images of the class: classes whose pictures are alike by nature "
                "have a small support there too.",
                EVEN_CHANCE,
            ),
        )


def _first_model(rows: list[StudyRow]) -> list[tuple[str, ShownPairs]]:
    """Return the pairs of every class of the first model that has some: all models' would be too many to look at."""
    for row in sorted(rows, key=lambda row: int(row["seed"])):
        if row.get("duplicates"):
            return [(f"{name}, seed {row['seed']}", shown) for name, shown in row["duplicates"].items()]
    return []


Entries = list[tuple[int, str, StudyRow]]


def _pairs(entries: Entries) -> list[tuple[float, float, float | None, float | None]]:
    """Return (real, generated, low, high) of the classes where both have a value."""
    sides = [(s["real"], s["generated"]) for _, _, s in entries if s["real"] and s["generated"]]
    return [(real[0], own[0], own[1], own[2]) for real, own in sides if real[0] is not None and own[0] is not None]


def _answer(entries: Entries) -> str:
    pairs = _pairs(entries)
    if len(pairs) < 4:
        return "Too few classes are measured to say."
    ratio = np.exp(np.median([np.log(own / real) for real, own, _, _ in pairs]))
    said = (
        f"By its look-alikes, a class holds {number(float(ratio))} times as many different generated images as real "
        "ones (median over classes and models)"
    )
    real, own = [p[0] for p in pairs], [p[1] for p in pairs]
    if min(real) == max(real) or min(own) == max(own):
        return f"{said}; all classes are alike, so that they have no order to keep."
    correlation = to_places(float(spearmanr(real, own).statistic), 2)
    return f"{said}; classes keep their order with a rank correlation of {correlation}."


def _table(entries: Entries) -> Table:
    columns = (
        "class", "seed", "support", "low", "high", "even-chance batch", " low", " high", "real images show", "low ",
        "high ", "their even-chance batch",
    )  # fmt: skip
    lines: list[tuple[Entry, ...]] = [
        (
            name,
            seed,
            *(sides["generated"] or [None] * 3),
            *even_chance(sides["generated"]),
            *(sides["real"] or [None] * 3),
            even_chance(sides["real"])[0],
        )
        for seed, name, sides in sorted(entries, key=lambda entry: (entry[1], entry[0]))
    ]
    return Table(name="classes", title="Class by class", columns=columns, rows=tuple(lines), csv="classes.csv")


def _figure(entries: Entries) -> Figure:
    pairs = sorted(_pairs(entries))
    series = []
    if pairs:
        x, y = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
        # Nothing is drawn towards an open end.
        low = tuple(value if low is None else low for _, value, low, _ in pairs)
        high = tuple(value if high is None else high for _, value, _, high in pairs)
        series.append(Series(label="classes", x=x, y=y, low=low, high=high, style="points", role="generated"))
        ends = (min(x), max(x))
        series.append(Series(label="as diverse as real images", x=ends, y=ends, role="heldout"))
    return Figure(
        name="support",
        title="Support of each class",
        x_label="support of the class's real images",
        y_label="support of its generated images",
        series=tuple(series),
        x_log=True,
        y_log=True,
        caption="One point a class and model, with its 95 % interval; on the line a class is as diverse as in truth.",
    )
