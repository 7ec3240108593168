"""The numbers, figures and words of the concentration check."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.concentration.lipschitz import Lower, Upper
from didlearn.checks.concentration.observables import MEANING, observable_variances, spread
from didlearn.checks.feature_groups import OWN, Group
from didlearn.checks.quadratic_forms import SLOPE, concentration_figure, variance_ratio
from didlearn.random_matrix import ConcentrationCurve, concentration_curve
from didlearn.result.parts import Parts
from didlearn.result.values import Estimate, Figure, Mark, Series, Table, exactly
from didlearn.result.words import number
from didlearn.rng import Stream
from didlearn.statistics.medians import median

_PER_LATENT = "per latent unit"
_GROWTH = 0.5  # of log r_Q against log dimension: half way from bounded to proportional
_MUCH = 3.0
WIDE = 30.0  # a bound farther out than this times the search's is not drawn


def lipschitz_parts(upper: Upper, lower: Lower, level: float) -> Parts:
    """The constant between its bounds, what it typically is, and the layers' factors."""
    value = lower.value
    # The search rounds in float32, so it may end a hair above a bound that it attains.
    high = None if upper.value is None else max(upper.value, value)
    method = "gradient ascent on the Jacobian's norm" + ("" if high is None else ", product of the layers' norms")
    estimates = {
        "lipschitz": Estimate(
            value=value, low=value, high=high, level=level, n=len(lower.prior), method=method, unit=_PER_LATENT
        ),
        "lipschitz_typical": median(lower.prior, level, _PER_LATENT),
    }
    tables: tuple[Table, ...] = ()
    if upper.layers:
        tables = (
            Table(
                name="layers",
                title="What each layer can multiply a change by",
                columns=("layer", "norm", "how"),
                rows=tuple((what, norm, "exact" if exact else "bound, by FFT") for what, norm, exact in upper.layers),
                caption="Their product bounds the constant; activations of slope one and reshaping are left out.",
            ),
        )
    notes = (f"There is no upper bound: {upper.why}.",) if upper.value is None else ()
    return Parts(estimates, tables=tables, figures=(_histogram(lower, high),), notes=notes)


def _histogram(lower: Lower, high: float | None) -> Figure:
    top = max(lower.value, 1e-12)
    edges = np.linspace(0, 1.05 * top, 25)
    counts = np.append(np.histogram(lower.prior, edges)[0] / len(lower.prior), 0.0)
    shown = high is not None and high <= WIDE * top
    marks = (Mark(label="steepest found", x=top),) + ((Mark(label="upper bound", x=high),) if shown else ())
    return Figure(
        name="lipschitz",
        title="How fast images change with the latent",
        x_label="spectral norm of the Jacobian",
        y_label="share of prior draws",
        series=(Series(label="prior draws", x=tuple(edges), y=tuple(counts), style="step", role="generated"),),
        marks=marks,
        caption="Change of the image (root of the summed squares, pixels in [0, 1]) for a unit change of the latent, "
        "in the steepest direction.",
    )


def fluctuation_parts(groups: list[Group], tested: int, replicates: int, rng: Stream, level: float) -> Parts:
    """How much observables vary in each group, against a Gaussian's and over the dimension."""
    estimates: dict[str, Estimate] = {}
    rows, curves = [], []
    for group in groups:
        suffix = "" if group.name == OWN else "_heldout"
        stream = rng.child(group.name)
        variances = observable_variances(group, tested, replicates, stream)
        for name, values in variances.items():
            found = estimates[f"fluctuation_{name}{suffix}"] = variance_ratio(values, tested, level)
            rows.append((group.name, MEANING[name], float(np.sqrt(values[0])), found.value, found.low, found.high))
        curve = concentration_curve(group.features, group.labels, rng=stream.numpy("curve"))
        estimates |= {name + suffix: e for name, e in _curve(group, curve, level).items()}
        curves.append((group.name, group.role, curve))
    table = Table(
        name="observables",
        title="How much observables vary",
        columns=("images", "observable", "standard deviation", "variance over a Gaussian's", "at least", "at most"),
        rows=tuple(rows),
        caption="Each is 1-Lipschitz, so its standard deviation is at most the constant if the prior is normal.",
    )
    return Parts(estimates, tables=(table,), figures=(concentration_figure(curves),))


def _curve(group: Group, curve: ConcentrationCurve, level: float) -> dict[str, Estimate]:
    widest, effective = spread(group)
    n = len(group.features)
    return {
        "spread": exactly(widest, level, n, "standard deviation along the widest direction"),
        "effective_dimension": exactly(effective, level, n, "tr Σ / λ₁", "dimensions"),
        "quadratic_slope": exactly(curve.plain_slope, level, n, SLOPE),
        "quadratic_slope_whitened": exactly(curve.whitened_slope, level, n, SLOPE),
        "quadratic_ratio": _ended(curve.plain, curve.plain_error, level, n),
        "quadratic_ratio_whitened": _ended(curve.whitened, curve.whitened_error, level, n),
    }


def _ended(values: Floats, errors: Floats, level: float, n: int) -> Estimate:
    value, error = float(values[-1]), 2 * float(errors[-1])
    method = "Var ‖x‖² over a Gaussian's in all dimensions, spread over splits"
    return Estimate(
        value=value, low=max(0.0, value - error), high=value + error, level=level, n=n, method=method, unit="ratio"
    )


def said(estimates: dict[str, Estimate], why: str) -> str:
    """Put the findings into a sentence or two."""
    parts = []
    if "lipschitz" in estimates:
        constant, typical = estimates["lipschitz"], estimates["lipschitz_typical"].value or 0.0
        ends = f"at least {number(constant.low or 0.0)}"
        if constant.high is not None:
            ends = f"between {number(constant.low or 0.0)} and {number(constant.high)}"
        kind = (
            "The generator is Lipschitz, with a constant" if constant.high is not None else "Its Lipschitz constant is"
        )
        parts.append(f"{kind} {ends} (at a typical latent {number(typical)}).")
    elif why:
        parts.append(f"Its Lipschitz constant is not known: {why}.")
    if "quadratic_slope" in estimates:
        parts.append(_growth(estimates))
    return " ".join(parts)


def _growth(estimates: dict[str, Estimate]) -> str:
    slope, ratio = (estimates[name].value or 0.0 for name in ("quadratic_slope", "quadratic_ratio"))
    varies = f"‖x‖² of its features varies {number(ratio)} times as much as a Gaussian's"
    if slope > _GROWTH and ratio > _MUCH:
        return (
            f"But {varies}, and the more the more dimensions are looked at: such features do not concentrate, and "
            "what is proved for those that do does not hold for them."
        )
    return f"{varies}, and that does not grow in proportion to the dimension: they concentrate."
