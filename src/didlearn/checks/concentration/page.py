"""The concentration check on the page: what layers multiply, how fast images change, how much observables vary."""

from __future__ import annotations

import math

import numpy as np

from didlearn.checks.concentration.lipschitz import Lower, Upper
from didlearn.checks.concentration.measure import Fluctuations, fluctuation_estimates, lipschitz_estimates
from didlearn.checks.concentration.observables import MEANING
from didlearn.checks.quadratic_forms import concentration_figure, variance_ratio
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Estimate, Figure, Mark, Series, Table

_BARS = 24
_FARTHEST = 30.0  # a bound farther out than this times the search's is not drawn


def lipschitz_parts(upper: Upper, lower: Lower, level: float) -> Parts:
    """Show the constant between its bounds, what it typically is, and the layers' factors."""
    estimates = lipschitz_estimates(upper, lower, level)
    tables = (_layers(upper),) if upper.layers else ()
    notes = (f"There is no upper bound: {upper.why}.",) if upper.value is None else ()
    return Parts(estimates, tables=tables, figures=(_slopes(lower, estimates["lipschitz"].high),), notes=notes)


def _layers(upper: Upper) -> Table:
    return Table(
        name="layers",
        title="What each layer can multiply a change by",
        columns=("layer", "norm", "how"),
        rows=tuple((what, norm, "exact" if exact else "bound, by FFT") for what, norm, exact in upper.layers),
        caption="Their product bounds the constant; activations of slope one and reshaping are left out.",
    )


def _slopes(lower: Lower, high: float | None) -> Figure:
    top = max(lower.value, 1e-12)
    edges = np.linspace(0, 1.05 * top, _BARS + 1)
    counts = np.append(np.histogram(lower.prior, edges)[0] / len(lower.prior), 0.0)
    marks = [Mark(label="steepest found", x=top)]
    if high is not None and high <= _FARTHEST * top:
        marks.append(Mark(label="upper bound", x=high))
    return Figure(
        name="lipschitz",
        title="How fast images change with the latent",
        x_label="spectral norm of the Jacobian",
        y_label="share of prior draws",
        series=(Series(label="prior draws", x=tuple(edges), y=tuple(counts), style="step", role="generated"),),
        marks=tuple(marks),
        caption="Change of the image (root of the summed squares, pixels in [0, 1]) for a unit change of the latent, "
        "in the steepest direction.",
    )


def fluctuation_parts(groups: list[Fluctuations], level: float) -> Parts:
    """Show how much observables vary in each group, against a Gaussian's and over the dimension."""
    estimates: dict[str, Estimate] = {}
    for found in groups:
        estimates |= fluctuation_estimates(found, level)
    curves = [(found.group.name, found.group.role, found.curve) for found in groups]
    return Parts(estimates, tables=(_observables(groups, level),), figures=(concentration_figure(curves),))


def _observables(groups: list[Fluctuations], level: float) -> Table:
    def row(found: Fluctuations, name: str) -> tuple[Cell, ...]:
        ratio = variance_ratio(found.variances[name], found.tested, level)
        deviation = math.sqrt(found.variances[name][0])
        return found.group.name, MEANING[name], deviation, ratio.value, ratio.low, ratio.high

    return Table(
        name="observables",
        title="How much observables vary",
        columns=("images", "observable", "standard deviation", "variance over a Gaussian's", "at least", "at most"),
        rows=tuple(row(found, name) for found in groups for name in found.variances),
        caption="Each is 1-Lipschitz, so its standard deviation is at most the constant if the prior is normal.",
    )
