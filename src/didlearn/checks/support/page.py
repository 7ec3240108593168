"""How the criterion was chosen, drawn: who comes how close to whom."""

from __future__ import annotations

from typing import Any

import numpy as np

from didlearn.arrays import Array
from didlearn.checks.sameness import Criterion
from didlearn.neighbors import count_within
from didlearn.result.parts import Parts
from didlearn.result.values import Figure, Mark, Series, Table

_RADII = 60


def criterion_parts(generated: Array, heldout: Array | None, criterion: Criterion, level: float, device: str) -> Parts:
    """Draw the curve over thresholds and the perturbations, and tabulate what the chosen threshold recognises."""
    figures = (_threshold_curve(generated, heldout, criterion, device), _perturbation_curve(criterion))
    rows = tuple(
        (kind, float(np.median(criterion.perturbed[kind])), share.value, share.low, share.high)
        for kind, share in criterion.sensitivity(level).items()
    )
    table = Table(
        name="criterion",
        title="Changed copies the criterion still calls duplicates",
        columns=("change", "median distance", "recognised", "low", "high"),
        rows=rows,
        caption=f"The threshold is {criterion.threshold:.4g}: {criterion.because}.",
    )
    return Parts(figures=figures, tables=(table,))


def _threshold_curve(generated: Array, heldout: Array | None, criterion: Criterion, device: str) -> Figure:
    radii = _radii(criterion)
    series = [_pair_rates("pairs of generated images", generated, radii, device, role="generated")]
    if heldout is not None and len(heldout) > 1:
        series.append(_pair_rates("pairs of held-out real images", heldout, radii, device, role="heldout"))
    if criterion.tail is not None:
        near = radii[(radii >= criterion.threshold * 0.7) & (radii <= criterion.tail.distance)]
        fitted = [criterion.tail.rate_at(float(r)) for r in near]
        series.append(Series(label="fit to real pairs", x=tuple(near), y=tuple(fitted), role="theory"))
    marks = [Mark(label="duplicate", x=criterion.threshold)]
    if criterion.lookalike is not None and criterion.lookalike > criterion.threshold:
        marks.append(Mark(label="look-alike", x=criterion.lookalike))
    return Figure(
        name="thresholds",
        title="Share of pairs closer than a distance",
        x_label="distance",
        y_label="share of pairs",
        series=tuple(s for s in series if s.x),
        marks=tuple(marks),
        x_log=True,
        y_log=True,
        caption="Left of the first line a pair counts as a duplicate. Above the real curve there, the generator "
        "repeats itself more often than reality does.",
    )


def _radii(criterion: Criterion) -> Array:
    """From well below the threshold to well above the distance at which real images look alike."""
    top = max(criterion.threshold * 2, (criterion.lookalike or 0) * 1.3)
    return np.geomspace(criterion.threshold / 4, top, _RADII) if criterion.threshold > 0 else np.array([top or 1.0])


def _pair_rates(label: str, features: Array, radii: Array, device: str, role: Any) -> Series:
    counts = count_within(features, radii, device=device)
    rates = counts / (len(features) * (len(features) - 1) / 2)
    seen = counts > 0
    return Series(label=label, x=tuple(radii[seen]), y=tuple(rates[seen]), style="step", role=role)


def _perturbation_curve(criterion: Criterion) -> Figure:
    series = []
    for kind, distances in criterion.perturbed.items():
        chosen = np.unique(np.linspace(0, len(distances) - 1, 80).astype(int))
        share = (chosen + 1) / len(distances)
        series.append(Series(label=kind, x=tuple(distances[chosen]), y=tuple(share), style="step", role="perturbed"))
    return Figure(
        name="perturbations",
        title="How far a mild change moves a picture",
        x_label="distance to the original",
        y_label="share of pictures",
        series=tuple(series),
        marks=(Mark(label="duplicate", x=criterion.threshold),),
        caption="Changes left of the line are still recognised as the same picture.",
    )
