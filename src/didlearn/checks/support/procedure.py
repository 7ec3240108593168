"""The published procedure on the page: its table, its curve, and its reading as printed and as corrected."""

from __future__ import annotations

from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.support.batches import Batches, batch_estimates, procedure, sweep
from didlearn.result.parts import Parts
from didlearn.result.values import Estimate, Figure, Mark, Series, Table
from didlearn.result.words import count, number
from didlearn.statistics.birthday.paradox import (
    birthday_bound,
    collision_rate_lower_bound,
    collision_rate_uniform,
    printed_theorem1,
    printed_theorem2,
)

_MASS = 0.5
_PRINTED_MASS = 0.9


def published_parts(found: Counts, support: Estimate, level: float) -> Parts:
    """Run the batches of the paper on the sample and set its claims beside the corrected ones."""
    runs = procedure(found.following)
    estimates = batch_estimates(runs, level)
    table, curve = _runs_table(runs, level), _birthday_curve(sweep(found.following), support, level)
    parts = Parts(estimates=estimates, tables=(table,), figures=(curve,))
    even = estimates.get("even_chance_batch_size")
    return parts if even is None else parts + _claims(round(even.point))


def _claims(size: int) -> Parts:
    note = (
        f"s² is not the support: a 50 % collision rate at {number(size)} bounds the effective support by "
        f"{count(birthday_bound(0.5, size))}, not {count(size**2)}."
    )
    return Parts(tables=(_printed_table(size),), notes=(note,))


def _runs_table(runs: list[Batches], level: float) -> Table:
    rows = []
    for run in runs:
        rate, bound = run.rate(level), run.bound(level)
        rows.append((run.size, run.batches, run.collided, rate.value, rate.low, rate.high, bound.value, bound.high))
    columns = (
        "batch size", "batches", "with a duplicate", "rate", "low", "high", "1/Σp² at most", "surely at most",
    )  # fmt: skip
    return Table(
        name="batches",
        title="The test as published: batches that hold a duplicate",
        columns=columns,
        rows=tuple(rows),
        caption="Sizes were chosen on one half of the sample and tested on the other. The last column bounds the "
        "effective support whatever the generator's law (Theorem 2, corrected).",
    )


def _printed_table(size: int) -> Table:
    support = size**2
    rows: tuple[tuple[str, float, float | None], ...] = (
        ("support read from an even chance of a collision", float(support), birthday_bound(0.5, size)),
        (
            f"least collision rate when {number(100 * _MASS)} % of the mass is on {number(support)} images (Theorem 1)",
            printed_theorem1(support, _MASS, size),
            collision_rate_lower_bound(support, _MASS, size),
        ),
    )
    named = printed_theorem2(0.5, size, _PRINTED_MASS)
    if named is not None:
        rows += ((f"images that hold {number(100 * _PRINTED_MASS)} % of the mass (Theorem 2)", named, None),)
    return Table(
        name="printed",
        title=f"At a batch size of {number(size)}: as printed, and as corrected",
        columns=("statement", "as printed", "corrected"),
        rows=rows,
        caption="Theorem 1 as printed puts the mass where its square belongs; Theorem 2 as printed fails when one "
        "image is drawn often, and no number of images can be named from pairs alone.",
    )


def _birthday_curve(runs: list[Batches], support: Estimate, level: float) -> Figure:
    sizes = tuple(float(run.size) for run in runs)
    series = [_collision_rates(runs, sizes, level)]
    if support.value is not None:
        expected = tuple(float(collision_rate_uniform(support.value, run.size)) for run in runs)
        label = "equally likely pictures of the same effective support"
        series.append(Series(label=label, x=sizes, y=expected, role="theory"))
    return Figure(
        name="birthday",
        title="How often a batch holds a duplicate",
        x_label="batch size",
        y_label="share of batches",
        series=tuple(series),
        marks=(Mark(label="even chance", y=0.5),),
        x_log=True,
        caption="Points below the line mean that a few pictures are drawn more often than the rest.",
    )


def _collision_rates(runs: list[Batches], sizes: tuple[float, ...], level: float) -> Series:
    rates = [run.rate(level) for run in runs]
    return Series(
        label="batches of samples",
        x=sizes,
        y=tuple(rate.point for rate in rates),
        low=tuple(rate.low_or(0.0) for rate in rates),
        high=tuple(rate.high_or(1.0) for rate in rates),
        style="points",
        role="generated",
    )
