"""What the rows of finite sets and of the lemmas show: Corollary D.1 and Lemmas D.1 and D.2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.result.values import Cell, Estimate, Figure, Role, Series, Table
from didlearn.statistics.intervals import difference
from didlearn.statistics.means import mean
from didlearn.studies.study import StudyRow

_MODELS: dict[str, tuple[str, Role]] = {"memorizing": ("memorising", "train"), "honest": ("honest", "heldout")}


@dataclass(frozen=True)
class PooledSets:
    """Discriminators of one width against one generator on sets of one size, over all seeds.

    Attributes:
        model: ``memorizing`` or ``honest``. size: of the training set and of the set of seeds.
        width, parameters: of the discriminators.
        on_sets: the advantage on the very pairs of the sets, with Student's interval over the seeds, which draw other
            sets and another generator; without an interval of one seed.
        fresh: that of the same discriminators on fresh pairs.
    """

    model: str
    size: int
    width: int
    parameters: int
    on_sets: Estimate
    fresh: Estimate


def pool_sets(rows: list[StudyRow]) -> list[PooledSets]:
    """Return one value for each generator, size and width, the memorising ones first."""
    groups: dict[tuple[int, int, int], list[StudyRow]] = {}
    for row in rows:
        if row["measure"] == "sets":
            groups.setdefault((list(_MODELS).index(row["model"]), row["size"], row["width"]), []).append(row)
    return [_pooled(groups[key]) for key in sorted(groups)]


def _pooled(rows: list[StudyRow]) -> PooledSets:
    real, generated, trials = (sum(row[name] for row in rows) for name in ("real_taken", "generated_taken", "test"))
    first, on_sets = rows[0], np.array([row["on_sets"] for row in rows], dtype=float)
    if len(rows) > 1:
        over_seeds = mean(on_sets)
        ends = {"low": max(-1.0, over_seeds.low_or(-1.0)), "high": min(1.0, over_seeds.high_or(1.0))}
        gain = over_seeds.model_copy(update=ends)
    else:
        gain = Estimate(value=float(on_sets[0]), low=None, high=None, n=1, method="one seed, without an interval")
    return PooledSets(
        first["model"], first["size"], first["width"], first["parameters"], gain,
        difference(real, trials, generated, trials),
    )  # fmt: skip


def sets_estimates(pooled: list[PooledSets]) -> dict[str, Estimate]:
    """Return what the discriminators gain against the memory on the largest sets, by width."""
    largest = max((p.size for p in pooled), default=0)
    return {f"largest_sets_width_{p.width}": p.on_sets for p in pooled if p.model == "memorizing" and p.size == largest}


def sets_table(pooled: list[PooledSets]) -> Table:
    """Tabulate Corollary D.1: the advantage on the sets beside that on fresh pairs."""
    columns = ("generator", "size", "width", "parameters", "on the sets", "low", "high", "fresh", "fresh_low")
    return Table(
        name="sets",
        title="Discriminators of a training set and a set of seeds",
        columns=(*columns, "fresh_high"),
        rows=tuple(_sets_row(p) for p in pooled),
        caption="size: images of the training set, seeds, and memorised images. on the sets: the advantage on the very "
        "pairs the discriminator was trained on, with the interval over the seeds. fresh: that of the same "
        "discriminator on pairs it never saw.",
        csv="sets.csv",
    )


def _sets_row(p: PooledSets) -> tuple[Cell, ...]:
    ends = (p.on_sets.value, p.on_sets.low, p.on_sets.high, p.fresh.value, p.fresh.low, p.fresh.high)
    return (_MODELS[p.model][0], p.size, p.width, p.parameters, *ends)


def lemmas_table(rows: list[StudyRow]) -> Table:
    """Tabulate Lemma D.1 (both sides) and Lemma D.2 (the deviation over the choice of the generator)."""
    columns: tuple[str, ...] = ("support", "width", "parameters", "codes", "non_colliding", "independent", "difference")
    columns += ("difference_low", "difference_high", "memories", "scaled_deviation", "scaled_deviation_low")
    columns += ("scaled_deviation_high", "beyond", "beyond_low", "beyond_high")
    return Table(
        name="lemmas",
        title="The two lemmas",
        columns=columns,
        rows=tuple(tuple(row.get(name) for name in columns) for row in rows if row["measure"] == "lemmas"),
        caption="Lemma D.1: pairs taken for real among non-colliding sets of codes, and among independent codes, which "
        "must be equal. Lemma D.2: standard deviation over the choice of the generator, times √m, at most 0.5; beyond: "
        "how often it is off by more than √(log 40 / 2m), at most 0.05.",
        csv="lemmas.csv",
    )


def sets_figure(pooled: list[PooledSets]) -> Figure:
    """Draw both advantages of the widest discriminators against the size of the sets, for both generators."""
    widest = max((p.width for p in pooled), default=0)
    used = [p for p in pooled if p.width == widest]
    lines = [
        _line(f"{name}, {where}", role, [(p.size, p.on_sets if where == "on the sets" else p.fresh) for p in of])
        for model, (name, role) in _MODELS.items()
        for where in ("on the sets", "on fresh pairs")
        if (of := [p for p in used if p.model == model])
    ]
    return Figure(
        name="sets",
        title="A training set and a set of seeds instead of laws",
        x_label="images of the training set, seeds and memorised images",
        y_label="advantage",
        series=tuple(lines),
        x_log=True,
        caption=f"Discriminators of width {widest}, trained on the sets. What they gain there against the honest "
        "generator they learned by heart.",
    )


def _line(label: str, role: Role, points: list[tuple[int, Estimate]]) -> Series:
    values = [estimate for _, estimate in points]
    return Series(
        label=label,
        x=tuple(float(size) for size, _ in points),
        y=tuple(e.point for e in values),
        low=tuple(e.low_or(e.point) for e in values),
        high=tuple(e.high_or(e.point) for e in values),
        role=role,
    )
