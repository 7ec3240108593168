"""The numbers of the concentration check: the Lipschitz constant, and how much observables of features vary."""

from __future__ import annotations

from dataclasses import dataclass

from didlearn.arrays import Floats
from didlearn.checks.concentration.lipschitz import Lower, Upper
from didlearn.checks.concentration.observables import observable_variances, widest_direction
from didlearn.checks.feature_groups import OWN, FeatureGroup
from didlearn.checks.quadratic_forms import SLOPE, variance_ratio
from didlearn.random_matrix import ConcentrationCurve, concentration_curve
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.medians import median

_PER_LATENT = "per latent unit"


def lipschitz_estimates(upper: Upper, lower: Lower, level: float) -> dict[str, Estimate]:
    """Return the constant between its bounds, and what it typically is."""
    value = lower.value
    # The search rounds in float32, so it may end a hair above a bound that it attains.
    high = None if upper.value is None else max(upper.value, value)
    method = "gradient ascent on the Jacobian's norm" + ("" if high is None else ", product of the layers' norms")
    return {
        "lipschitz": Estimate(
            value=value, low=value, high=high, level=level, n=len(lower.prior), method=method, unit=_PER_LATENT
        ),
        "lipschitz_typical": median(lower.prior, level, _PER_LATENT),
    }


@dataclass(frozen=True, eq=False)
class Fluctuations:
    """How much observables of a group's features vary.

    Attributes:
        group: the features. tested: rows that observables are taken of.
        variances: of each observable over the tested rows, then over those of rotations, (B + 1,).
        curve: r_Q against dimension.
    """

    group: FeatureGroup
    tested: int
    variances: dict[str, Floats]
    curve: ConcentrationCurve


def measure_fluctuations(group: FeatureGroup, tested: int, replicates: int, rng: Stream) -> Fluctuations:
    """Take observables of a group's features and of their rotations.

    Args:
        group: features of one kind. tested: rows. replicates: rotations. rng: of both.
    """
    variances = observable_variances(group, tested, replicates, rng)
    curve = concentration_curve(group.features, group.labels, rng=rng.numpy("curve"))
    return Fluctuations(group, tested, variances, curve)


def fluctuation_estimates(found: Fluctuations, level: float) -> dict[str, Estimate]:
    """Return a group's variances against a Gaussian's; those of held-out images end in ``_heldout``."""
    suffix = "" if found.group.name == OWN else "_heldout"
    ratios = {
        f"fluctuation_{name}": variance_ratio(values, found.tested, level) for name, values in found.variances.items()
    }
    return {name + suffix: one for name, one in (ratios | _in_all(found.group, found.curve, level)).items()}


def _in_all(group: FeatureGroup, curve: ConcentrationCurve, level: float) -> dict[str, Estimate]:
    """Return the numbers of all rows: the widest direction, and the curve's slope and end."""
    widest, effective = widest_direction(group)
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
    """Return the last value, in all dimensions, with twice its spread over splits on either side."""
    value, error = float(values[-1]), 2 * float(errors[-1])
    method = "Var ‖x‖² over a Gaussian's in all dimensions, spread over splits"
    return Estimate(
        value=value, low=max(0.0, value - error), high=value + error, level=level, n=n, method=method, unit="ratio"
    )
