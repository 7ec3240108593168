"""How much quadratic forms of features vary beside a Gaussian's, and how that grows with the dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from didlearn.arrays import Floats
from didlearn.random_matrix import ConcentrationCurve
from didlearn.result.values import Estimate, Figure, Mark, Role, Series

ROTATIONS = "among rotations of the same features"
SLOPE = "of log r_Q against log dimension: 0 bounded, 1 a failure"
_LEAST = 1e-3  # a ratio below it is drawn there


def variance_ratio(values: Floats, n: int, level: float) -> Estimate:
    """Return the data's variance over the replicates' mean one, and over the ends of their range.

    Args:
        values: the data's variance, then the replicates', (B + 1,). n: rows it is of. level: of the range.
    """
    low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2])
    ratio = float(values[0] / values[1:].mean())
    return Estimate(
        value=ratio,
        low=min(ratio, float(values[0] / high)),
        high=max(ratio, float(values[0] / low)),
        level=level,
        n=n,
        method=f"variance of squared norms {ROTATIONS}",
        unit="ratio",
    )


def concentration_figure(
    curves: Sequence[tuple[str, Role, ConcentrationCurve]], suffix: str = "", of: str = ""
) -> Figure:
    """Draw r_Q against the dimension of groups (name, role, curve)."""
    return Figure(
        name=f"concentration{suffix}",
        title=f"How much ‖x‖² varies, against a Gaussian's{of}",
        x_label="dimensions of a random projection",
        y_label="variance over a Gaussian's (r_Q)",
        series=tuple(series for name, role, curve in curves for series in _plain_and_whitened(name, role, curve)),
        marks=(Mark(label="Gaussian", y=1.0),),
        x_log=True,
        y_log=True,
        caption="Bounded is enough for the theory, at whatever height; growth like the dimension breaks it.",
    )


def _plain_and_whitened(name: str, role: Role, curve: ConcentrationCurve) -> tuple[Series, Series]:
    def series(label: str, values: Floats, error: Floats) -> Series:
        return Series(
            label=label,
            x=tuple(map(float, curve.dimensions)),
            y=tuple(np.maximum(values, _LEAST)),
            low=tuple(np.maximum(values - error, _LEAST)),
            high=tuple(np.maximum(values + error, _LEAST)),
            role=role,
        )

    return (
        series(name, curve.plain, curve.plain_error),
        series(f"{name}, whitened", curve.whitened, curve.whitened_error),
    )
