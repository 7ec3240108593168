"""``encoder``: does learning an encoder make a GAN more diverse (Arora et al. 2018, section 2.1)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.support.check import Support
from didlearn.errors import UsageError
from didlearn.result.values import Cell as Entry
from didlearn.result.values import CheckResult, Estimate, Figure, Series, Table
from didlearn.result.words import number
from didlearn.rng import Stream
from didlearn.statistics.means import mean, mean_difference
from didlearn.studies.diversity import EVEN_CHANCE, beyond_real, copying, diversity, even_chance
from didlearn.studies.duplicates import duplicates_gallery, duplicates_in, duplicates_of
from didlearn.studies.study import Study, StudyCell, StudyRow, Workplace
from didlearn.studies.trained import Data, train_or_resume
from didlearn.zoo.ali import AliRecipe
from didlearn.zoo.bigan import BiganRecipe
from didlearn.zoo.dcgan import DcganRecipe
from didlearn.zoo.mix_dcgan import MixDcganRecipe
from didlearn.zoo.training.adversarial import GanRecipe

_FEWEST_SEEDS = 3  # of a kind, to say anything of the kind
_REAL = "lookalike_support_real"
_RECIPES: dict[str, type[GanRecipe]] = {r.name: r for r in (DcganRecipe, MixDcganRecipe, BiganRecipe, AliRecipe)}

_BESIDE_DCGAN = (BiganRecipe.name, MixDcganRecipe.name, AliRecipe.name)


@dataclass(frozen=True)
class EncoderStudy(Study):
    """DCGAN, MIX+DCGAN, BiGAN and ALI with the same generator, side by side in support and in memorization.

    Attributes:
        data: what to train on, as ``open_images`` takes it. size: resized to, or ``None``. crop: cut out
            first, or ``None``.
        embedding: the space in which images look alike, as ``open_embedding`` takes it.
        models: which of them: dcgan, mix-dcgan, bigan and ali. seeds: models of each kind.
        steps: of training. batch: images of a step.
        latent, width: of the generator. discriminator_width: of the discriminators.
        samples: drawn from each model.
    """

    name: ClassVar[str] = "encoder"
    question: ClassVar[str] = "Does a GAN that learns an encoder make more different images?"
    FULL: ClassVar[Mapping[str, object]] = {
        "steps": 10_000,
        "latent": 100,
        "width": 64,
        "discriminator_width": 64,
        "samples": 20_000,
    }

    data: str = "digits"
    size: int | None = None
    crop: int | None = None
    embedding: str = "pixels"
    models: tuple[str, ...] = ("dcgan", "mix-dcgan", "bigan")
    seeds: int = 3
    steps: int = 3_000
    batch: int = 64
    latent: int = 32
    width: int = 16
    discriminator_width: int = 8
    samples: int = 5_000

    def __post_init__(self) -> None:
        unknown = [name for name in self.models if name not in _RECIPES]
        if unknown or not self.models:
            raise UsageError(f"the study {self.name} compares {', '.join(_RECIPES)}; got {', '.join(self.models)}")

    def cells(self) -> list[StudyCell]:
        """One for each kind of model and seed."""
        return [{"model": model, "seed": seed} for seed in range(self.seeds) for model in self.models]

    def run_cell(self, cell: StudyCell, rng: Stream, place: Workplace) -> StudyRow:
        """Train a model, and measure its support and what it copies."""
        data = Data.of(self.data, rng.seed, self.size, self.crop)
        recipe = _RECIPES[cell["model"]](
            latent=self.latent,
            width=self.width,
            batch=self.batch,
            steps=self.steps,
            discriminator_width=self.discriminator_width,
        )
        model, distance = train_or_resume(recipe, data, rng, place)
        subject = data.subject(model, rng, place, self.embedding)
        found = {**diversity(subject, self.samples), **copying(subject, self.samples)}
        return {"frechet_distance": distance, **found, "duplicates": duplicates_of(subject, self.samples)}

    def summarise(self, rows: list[StudyRow]) -> CheckResult:
        """Tabulate, and compare BiGAN with DCGAN in log support over seeds."""
        groups = {model: np.log(_values(rows, model)) for model in self.models}
        estimates = {
            f"log_support_{model}": mean(values, unit="nats") for model, values in groups.items() if len(values) > 1
        }
        compared, mixed, drawn = (_compared(groups, kind) for kind in _BESIDE_DCGAN)
        return CheckResult(
            check=self.name,
            verdict="measured",
            answer=_answer(self.models, (compared, mixed, drawn), rows) + beyond_real(rows),
            estimates=estimates
            | ({"log_support_bigan_over_dcgan": compared} if compared else {})
            | ({"log_support_mix_over_dcgan": mixed} if mixed else {})
            | ({"log_support_ali_over_dcgan": drawn} if drawn else {}),
            tables=(_table(rows),),
            figures=(_figure(rows, self.models),),
            galleries=duplicates_gallery(
                [(f"{row['model']}, seed {row['seed']}", duplicates_in(row)) for row in _ordered(rows)], "model"
            ),
            notes=(
                "The paper found batches of about 800 faces to hold a duplicate for DCGAN and MIX+DCGAN and of about "
                "1 200 for BiGAN: some twice the support, with models that differ in more than the encoder.",
                "Here generator, discriminator width, steps and batch are equal; MIX+DCGAN has three of each network.",
                EVEN_CHANCE,
            ),
        )


def _values(rows: list[StudyRow], model: str) -> Floats:
    found = [row["lookalike_support"][0] for row in rows if row["model"] == model and "lookalike_support" in row]
    return np.array([value for value in found if value is not None], dtype=float)


def _compared(groups: dict[str, Floats], kind: str) -> Estimate | None:
    pair = groups.get(kind), groups.get(DcganRecipe.name)
    if pair[0] is None or pair[1] is None or min(len(pair[0]), len(pair[1])) < 2:
        return None
    return mean_difference(pair[0], pair[1], unit="nats")


def _answer(models: tuple[str, ...], found: tuple[Estimate | None, ...], rows: list[StudyRow]) -> str:
    """Say what BiGAN, MIX+DCGAN and ALI make beside DCGAN, as far as they were asked for."""
    compared, mixed, drawn = found
    others = _words(mixed, rows, MixDcganRecipe.name, "MIX+DCGAN", "with three of each network")
    others += _words(drawn, rows, AliRecipe.name, "ALI", "with an encoder that draws")
    if others and BiganRecipe.name not in models:
        return others.strip()
    pair = [row for row in rows if row["model"] in (BiganRecipe.name, DcganRecipe.name)]
    return _of_the_encoder(compared, pair) + others


def _of_the_encoder(compared: Estimate | None, rows: list[StudyRow]) -> str:
    """Say what the interval over seeds shows, and nothing of the encoder from collapsed models or too few seeds."""
    if compared is None or compared.value is None or compared.low is None or compared.high is None:
        return "Too few models are finished to compare them."
    ratio, low, high = (number(float(np.exp(v))) for v in (compared.value, compared.low, compared.high))
    said = f"BiGAN makes {ratio} times as many different images as DCGAN ({low} to {high})"
    collapsed, seeds = sum(map(_collapsed, rows)), _fewest_seeds(rows)
    if collapsed:
        return (
            f"{said}, but {collapsed} of the {len(rows)} models {'has' if collapsed == 1 else 'have'} collapsed, to "
            "less than a quarter of the different images that real ones show: that says nothing about the encoder."
        )
    if seeds < _FEWEST_SEEDS:
        return f"{said}: with {number(seeds)} seeds of a kind no difference can be shown; {_FEWEST_SEEDS} are needed."
    if compared.low > 0:
        return f"{said}: more, with the encoder."
    return f"{said}: fewer, with the encoder." if compared.high < 0 else f"{said}: no difference is shown."


def _words(compared: Estimate | None, rows: list[StudyRow], kind: str, called: str, difference: str) -> str:
    """Say what another kind makes beside DCGAN, with what stands in the way of a conclusion."""
    if compared is None or compared.value is None or compared.low is None or compared.high is None:
        return ""
    ratio, low, high = (number(float(np.exp(v))) for v in (compared.value, compared.low, compared.high))
    said = f" {called} makes {ratio} times as many as DCGAN ({low} to {high})"
    kinds = (kind, DcganRecipe.name)
    collapsed = sum(_collapsed(row) for row in rows if row["model"] in kinds)
    if collapsed:
        return f"{said}; {collapsed} of these models collapsed."
    if min(len(_values(rows, kind)) for kind in kinds) < _FEWEST_SEEDS or compared.low <= 0 <= compared.high:
        return f"{said}: no difference is shown."
    return f"{said}: {'more' if compared.low > 0 else 'fewer'}, {difference}."


def _collapsed(row: StudyRow) -> bool:
    """Whether the interval of a model's look-alike support lies below a quarter of real images' interval."""
    high, low = ((row.get(name) or [None] * 3)[end] for name, end in (("lookalike_support", 2), (_REAL, 1)))
    return high is not None and low is not None and high < low / Support.factor


def _fewest_seeds(rows: list[StudyRow]) -> int:
    return min(len(_values(rows, name)) for name in (BiganRecipe.name, DcganRecipe.name))


def _table(rows: list[StudyRow]) -> Table:
    columns = (
        "model", "seed", "look-alike support", "low", "high", "real images show", "even-chance batch", " low",
        " high", "effective support", "copied",
        "nearest is a training image", "expected", "p", "Fréchet distance",
    )  # fmt: skip
    lines: list[tuple[Entry, ...]] = []
    for row in _ordered(rows):
        alike, real = row.get("lookalike_support") or [None] * 3, row.get(_REAL) or [None]
        lines.append(
            (row["model"], row["seed"], *alike, real[0], *even_chance(alike), row["effective_support"][0],
             _first(row, "copied_fraction"), _first(row, "training_preference"),
             _first(row, "training_preference_expected"), row.get("training_preference_pvalue"),
             row["frechet_distance"])
        )  # fmt: skip
    return Table(name="models", title="Model by model", columns=columns, rows=tuple(lines), csv="models.csv")


def _ordered(rows: list[StudyRow]) -> list[StudyRow]:
    return sorted(rows, key=lambda row: (row["model"], row["seed"]))


def _first(row: StudyRow, name: str) -> float | None:
    value: float | None = (row.get(name) or [None])[0]
    return value


def _figure(rows: list[StudyRow], models: tuple[str, ...]) -> Figure:
    series = []
    for place, model in enumerate(models, 1):
        found = [row["lookalike_support"] for row in rows if row["model"] == model and row.get("lookalike_support")]
        # Nothing is drawn towards an open end.
        points = [
            (float(place), v, v if low is None else low, v if high is None else high)
            for v, low, high in found
            if v is not None
        ]
        if points:
            x, y, low, high = zip(*points, strict=True)
            series.append(Series(label=model, x=x, y=y, low=low, high=high, style="points", role="generated"))
    real = next((row[_REAL][0] for row in rows if row.get(_REAL)), None)
    if series and real is not None:
        # From the first kind of model to the last; of a single one a line to either side.
        ends = (1.0, float(len(models))) if len(models) > 1 else (0.9, 1.1)
        series.append(Series(label="real images", x=ends, y=(real, real), role="heldout"))
    return Figure(
        name="support",
        title="Diversity of each kind of model",
        x_label=", ".join(f"{place} = {model}" for place, model in enumerate(models, 1)),
        y_label="look-alike support (images)",
        series=tuple(series),
        y_log=True,
        caption="One point a model (seed), with the 95 % interval of its own sample.",
    )
