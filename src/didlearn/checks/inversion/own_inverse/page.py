"""Latents on the page: a line for each group, and how far off they are."""

from __future__ import annotations

import numpy as np

from didlearn.checks.groups import estimate_key
from didlearn.checks.inversion.own_inverse.measure import AS_MADE, GENERATED, Group
from didlearn.checks.latents.typical import NAMES
from didlearn.result.values import Estimates, Figure, Mark, Series, Table

_SCORE_BINS = 24


def latent_table(groups: dict[str, Group], estimates: Estimates) -> Table:
    """Show each group in a line."""
    columns = ("latent_size", "latent_correlation", "atypical_prior", "atypical_latents", "latent_pvalue")
    return Table(
        name="latents",
        title="The latents of images, by its own inverse",
        columns=(
            "images", "n", "mean square", "correlation of neighbours", "not typical", "not typical of its own",
            "p-value", *(f"by {name}" for name in NAMES), "left of the image",
        ),
        rows=tuple(
            (
                _NAMED.get(name, name), len(group.scores),
                *(_value(estimates, estimate_key(column, name)) for column in columns),
                *(group.each[statistic] for statistic in NAMES), float(np.median(group.found.error)),
            )
            for name, group in groups.items()
        ),
        caption="p-value: that the latents are independent draws of the prior, by their size, the whiteness of "
        "neighbours, the law of their coordinates, and their mean; exact. Not typical: farther off than 95 % of draws "
        "of the prior, or of its own images, kept as real ones are. Left: mean squared difference of what the latents "
        "make again, of the variance.",
        csv="latents.csv",
    )  # fmt: skip


def _value(estimates: Estimates, key: str) -> float | None:
    """Return what was measured, ``None`` where it was not: its own images are what others are held against."""
    return estimates[key].value if key in estimates else None


_NAMED = {GENERATED: "generated, as real images are kept", AS_MADE: "generated, as they are made"}


def score_figure(groups: dict[str, Group]) -> Figure:
    """Draw how far off the latents of each group are, with the same bins for all."""
    everything = np.concatenate([group.scores for group in groups.values()])
    low, high = max(1e-3, float(everything.min())), max(1e-2, float(everything.max()) * 1.01)
    edges = np.geomspace(low, high, _SCORE_BINS + 1)
    limit = float(np.quantile(groups[GENERATED].scores, 0.95))
    series = []
    for name, group in groups.items():
        counts, _ = np.histogram(np.clip(group.scores, edges[0], edges[-1]), edges)
        shares = (*(counts / len(group.scores)), 0.0)
        series.append(Series(label=name, x=tuple(edges), y=shares, style="step", role=group.role))
    return Figure(
        name="latents", title="How far latents are from typical", x_label="spreads of the prior", x_log=True,
        y_label="share of images", series=tuple(series),
        marks=(Mark(label="95 % of its own", x=limit),) if limit > low else (),
        caption="The largest distance of a latent's size, whiteness and law of coordinates from what draws of the "
        "prior show. Images that the generator would make lie where its own do.",
    )  # fmt: skip
