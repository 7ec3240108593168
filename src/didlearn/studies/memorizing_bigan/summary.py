"""What the rows of ``memorizing-bigan`` show: tables, figures, and how fast the advantage falls with the support."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from didlearn.images import open_images
from didlearn.result.values import Cell, Estimate, Figure, Mark, Role, Series, Table
from didlearn.statistics.intervals import difference
from didlearn.studies.memorizing_bigan.finite_summary import lemmas_table, pool_sets, sets_figure, sets_table
from didlearn.studies.memorizing_bigan.settings import MemorizingBigan
from didlearn.studies.study import StudyRow

# The fall is read where a discriminator saw each memorised image this often, and is not near its ceiling of 1.
_SEEN, _CEILING = 16, 0.5
_ERROR = 0.05
# As they are named in the tables, in the order of their lines; the key is the one of the rows.
_MODELS = {"memorizing": "memorising", "honest": "honest", "bigan": "trained BiGAN"}
_X_LABEL, _Y_LABEL = "memorised images m", "advantage on fresh pairs"


@dataclass(frozen=True)
class StudySummary:
    """What the study found.

    Attributes:
        tables: ``advantage``, ``code``, ``network``, ``sets`` and ``lemmas``.
        figures: the advantage against the support, plain and with both axes logarithmic, against the capacity, and on
            finite sets.
        slopes: of log advantage on log m, by width of the discriminator, where two supports or more can be used.
    """

    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    slopes: dict[int, Estimate]


@dataclass(frozen=True)
class Pooled:
    """One discriminator width against one generator, over all seeds.

    Attributes:
        model: one of ``_MODELS``. support: m, ``None`` for what does not memorise.
        width, parameters: of the discriminators.
        advantage: mean over the seeds, with the error of the fresh pairs it was measured on.
        error: standard error of that mean as the seeds differ, or that of the pairs where it is larger.
        seeds: how many.
        found_out: whether the advantage is above its error, at 95 % for all generators and widths together.
    """

    model: str
    support: int | None
    width: int
    parameters: int
    advantage: Estimate
    error: float
    seeds: int
    found_out: bool


def summary(settings: MemorizingBigan, rows: list[StudyRow]) -> StudySummary:
    """Return tables, figures and slopes of the rows there are: a study may be half done."""
    pooled = pool(rows)
    widths = sorted({p.width for p in pooled})
    slopes = {width: slope for width in widths if (slope := fall(settings, pooled, width)) is not None}
    sets = pool_sets(rows)
    of_laws = (_advantage_table(pooled), _code_table(taken_apart(rows)), _network_table(rows))
    of_sets = (sets_table(sets), lemmas_table(rows))
    return StudySummary(of_laws + of_sets, (*_figures(settings, pooled), sets_figure(sets)), slopes)


def pool(rows: list[StudyRow]) -> list[Pooled]:
    """Return one value for each generator and width, the memorising ones by support first."""
    groups: dict[tuple[int, float, int], list[StudyRow]] = {}
    for row in taken_apart(rows):
        if row["measure"] == "advantage":
            key = (row["width"], row["support"] or math.inf, list(_MODELS).index(row["model"]))
            groups.setdefault(key, []).append(row)
    # One of twenty intervals misses by chance, and there are many.
    level = 1 - _ERROR / max(1, len(groups))
    return [_pooled(groups[key], level) for key in sorted(groups)]


def taken_apart(rows: list[StudyRow]) -> list[StudyRow]:
    """Return the rows with those of trained BiGANs, which hold several measures, replaced by one row a measure."""
    apart: list[StudyRow] = []
    for row in rows:
        if row["measure"] != "bigan":
            apart.append(row)
            continue
        name = f"trained BiGAN, seed {row['seed']}"
        apart.append(
            {key: value for key, value in row.items() if key != "judged"} | {"measure": "code", "encoder": name}
        )
        of = {"measure": "advantage", "model": "bigan", "support": None, "seed": row["seed"]}
        apart += [of | judged for judged in row["judged"]]
    return apart


def _pooled(rows: list[StudyRow], level: float) -> Pooled:
    real, generated, trials = (sum(row[name] for row in rows) for name in ("real_taken", "generated_taken", "test"))
    advantage = difference(real, trials, generated, trials)
    p, q, seeds = real / trials, generated / trials, len(rows)
    error = math.sqrt((p * (1 - p) + q * (1 - q)) / trials)
    if seeds > 1:
        error = max(error, float(np.std([row["advantage"] for row in rows], ddof=1)) / math.sqrt(seeds))
    seen = difference(real, trials, generated, trials, level).low_or(-1.0) > 0
    first = rows[0]
    return Pooled(first["model"], first["support"], first["width"], first["parameters"], advantage, error, seeds, seen)


def fall(settings: MemorizingBigan, pooled: list[Pooled], width: int) -> Estimate | None:
    """Fit log advantage = a + b log m by weighted least squares, and return b.

    Supports are used that were found out, at an advantage below ``_CEILING``, and of which each image was seen at least
    ``_SEEN`` times in training: beyond that a discriminator lacks draws, not capacity. The interval is widened where
    the points lie further from the line than their errors say.
    """
    draws = settings.steps * settings.batch
    used = [
        p
        for p in pooled
        if p.width == width and p.support and p.found_out and p.advantage.point < _CEILING
        if p.support * _SEEN <= draws
    ]  # fmt: skip
    if len(used) < 2:
        return None
    x = np.log([p.support or 1 for p in used])
    value = np.array([p.advantage.value for p in used], dtype=float)
    y, weight = np.log(value), np.square(value / np.array([p.error for p in used]))
    middle = np.average(x, weights=weight)
    spread = float((weight * np.square(x - middle)).sum())
    slope = float((weight * (x - middle) * y).sum() / spread)
    residual = y - np.average(y, weights=weight) - slope * (x - middle)
    excess = float((weight * np.square(residual)).sum()) / max(1, len(used) - 2)
    half = float(norm.ppf(0.975)) * math.sqrt(max(1.0, excess) / spread)
    return Estimate(
        value=slope, low=slope - half, high=slope + half, n=len(used), method="weighted least squares over supports"
    )


def linear_theory(support: int, coordinates: int) -> float:
    """Return what the best linear discriminator gains when the memory's mean is off by its standard error alone.

    The whitened mean of m draws is off by ε with E ε² = (d − d̃)/m, and a shift by ε is told with 2Φ(ε/2) − 1.
    """
    return 2 * float(norm.cdf(math.sqrt(coordinates / support) / 2)) - 1


def _advantage_table(pooled: list[Pooled]) -> Table:
    columns: tuple[str, ...] = ("generator", "support", "width", "parameters", "support per parameter")
    columns += ("advantage", "low", "high", "found out")
    return Table(
        name="advantage",
        title="What discriminators tell apart",
        columns=columns,
        rows=tuple(_advantage_row(p) for p in pooled),
        caption="Share of real pairs taken for real less the share of generated ones, on fresh pairs, over all seeds. "
        "Each interval holds at 95 % alone; found out: above zero at 95 % for all lines together (Bonferroni).",
        csv="advantage.csv",
    )


def _advantage_row(p: Pooled) -> tuple[Cell, ...]:
    ratio = None if p.support is None else p.support / p.parameters
    ends = (p.advantage.value, p.advantage.low, p.advantage.high)
    return (_MODELS[p.model], p.support, p.width, p.parameters, ratio, *ends, "yes" if p.found_out else "no")


def _network_table(rows: list[StudyRow]) -> Table:
    columns: tuple[str, ...] = ("support", "weights", "memory", "checked", "mismatch", "mismatch_low", "mismatch_high")
    columns += ("expected_mismatch", "z_cycle", "x_cycle", "x_cycle_low", "x_cycle_high")
    return Table(
        name="network",
        title="The generator as a ReLU network",
        columns=columns,
        rows=_columns_of(rows, "network", columns),
        caption="z_cycle: largest squared error of E(G(z)). x_cycle: mean squared error of G(E(x)) over Var(x̃).",
        csv="network.csv",
    )


def _code_table(rows: list[StudyRow]) -> Table:
    columns = ("encoder", "hsic", "p", "images", "accuracy", "low", "high", "chance")
    return Table(
        name="code",
        title="What the code says about the image",
        columns=columns,
        rows=_columns_of(rows, "code", columns),
        caption="p: of independence of image and code, by permutation. accuracy: of a linear probe for the class.",
        csv="code.csv",
    )


def _columns_of(rows: list[StudyRow], measure: str, columns: tuple[str, ...]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(tuple(row.get(name) for name in columns) for row in rows if row["measure"] == measure)


def _figures(settings: MemorizingBigan, pooled: list[Pooled]) -> tuple[Figure, ...]:
    coordinates = math.prod(open_images(settings.data, size=settings.size).shape) - settings.latent
    by_width = {p.width: p.parameters for p in pooled if p.support}
    plain = tuple(_series(pooled, w, n, False) for w, n in by_width.items())
    falling = tuple(s for w, n in by_width.items() if (s := _series(pooled, w, n, True)).x)
    theory = Series(
        label="mean shift alone",
        x=settings.supports,
        y=tuple(linear_theory(m, coordinates) for m in settings.supports),
        role="theory",
    )
    return (
        Figure(
            name="advantage",
            title="Discriminators against a memorising BiGAN",
            x_label=_X_LABEL,
            y_label=_Y_LABEL,
            series=plain,
            marks=(Mark(label="honest", y=0.0),),
            x_log=True,
            caption="Each point: all seeds, with the 95 % interval of the fresh pairs.",
        ),
        _capacity(pooled),
        Figure(
            name="fall",
            title="How the advantage falls",
            x_label=_X_LABEL,
            y_label=_Y_LABEL,
            series=(theory, *falling),
            x_log=True,
            y_log=True,
            caption="Only where the advantage is above its error. The line falls like m^(-1/2).",
        ),
    )


def _capacity(pooled: list[Pooled]) -> Figure:
    supports = sorted({p.support for p in pooled if p.support})
    # The ends and the middle: nine lines cannot be told apart.
    shown = [supports[i] for i in sorted({0, len(supports) // 2, len(supports) - 1})] if supports else []
    groups: list[tuple[str, Role, list[Pooled]]] = [
        (f"{m} memorised images", "train", [p for p in pooled if p.support == m]) for m in shown
    ]
    groups += [("honest", "heldout", [p for p in pooled if p.model == "honest"])]
    groups += [("trained BiGAN", "generated", [p for p in pooled if p.model == "bigan"])]
    return Figure(
        name="capacity",
        title="Three BiGANs against discriminators of growing capacity",
        x_label="parameters of the discriminator",
        y_label=_Y_LABEL,
        series=tuple(_line(label, role, sorted(of, key=lambda p: p.parameters)) for label, role, of in groups if of),
        x_log=True,
        caption="The objective of a BiGAN is to bring this to 0: the lower the line, the better the model by it.",
    )


def _series(pooled: list[Pooled], width: int, parameters: int, positive: bool) -> Series:
    used = [p for p in pooled if p.width == width and p.support and (p.found_out or not positive)]
    name = f"width {width}" if width else "linear"
    return _line(f"{name}, {parameters} parameters", "generated", used, by_support=True)


def _line(label: str, role: Role, pooled: list[Pooled], *, by_support: bool = False) -> Series:
    return Series(
        label=label,
        x=tuple(float(p.support or 0) if by_support else float(p.parameters) for p in pooled),
        y=tuple(p.advantage.point for p in pooled),
        low=tuple(p.advantage.low_or(-1.0) for p in pooled),
        high=tuple(p.advantage.high_or(1.0) for p in pooled),
        role=role,
    )
