"""Where a data set falls among replicates of it: statistics that treat all of them alike, so the p-values are exact.

Every member of the family, the data among them, is compared with the mean of all the others. Data and replicates are
then exchangeable under the null, and p = (1 + #{T_b ≥ T}) / (B + 1) is uniform on its B + 1 values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Floats

_LEVELS = 1000


@dataclass(frozen=True)
class Placement:
    """One statistic of the data among its replicates.

    Attributes:
        value: T of the data. null_mean: mean T of the replicates. null_high: their 95 % point.
        ratio: the effect, value / null_mean; 1 is what the null gives, and None where that is 0.
        p_value: (1 + #{T_b ≥ T}) / (B + 1).
        shift: for scalar statistics, (data − mean of replicates) / |mean|, with its sign; else None.
    """

    value: float
    null_mean: float
    null_high: float
    ratio: float | None
    p_value: float
    shift: float | None = None


def place(values: Floats, shift: float | None = None) -> Placement:
    """Return the placement of T of the data, ``values[0]``, among those of the replicates, ``values[1:]``."""
    data, null = float(values[0]), values[1:]
    mean = float(null.mean())
    ratio = data / mean if mean > 0 else None
    p_value = (1 + int((null >= data * (1 - 1e-12)).sum())) / len(values)
    return Placement(data, mean, float(np.quantile(null, 0.95)), ratio, p_value, shift)


def place_scalar(values: Floats) -> Placement:
    """Place a number by its distance from the mean of the others, (B + 1,)."""
    others = (values.sum() - values) / (len(values) - 1)
    centre = float(others[0])
    shift = float(values[0] - centre) / abs(centre) if centre else None
    return place(np.abs(values - others), shift)


def wasserstein(spectra: Floats) -> Floats:
    """Return the W₁ distance of each ordered spectrum (B + 1, m) from the mean of the others, (B + 1,)."""
    ordered = np.sort(spectra, axis=1)
    others = (ordered.sum(0) - ordered) / (len(ordered) - 1)
    return np.abs(ordered - others).mean(1)


def kolmogorov(spectra: Floats) -> Floats:
    """Return the greatest distance of each spectrum's distribution function from the mean one of the others, (B + 1,).

    Functions are compared at 1000 quantiles of all spectra together.
    """
    grid = np.quantile(spectra, np.linspace(0, 1, _LEVELS))
    functions = np.stack([np.searchsorted(np.sort(row), grid, side="right") for row in spectra]) / spectra.shape[1]
    others = (functions.sum(0) - functions) / (len(functions) - 1)
    return np.abs(functions - others).max(1)
