"""Intervals of the scores: what an image or a group of them changes, joined with what a count of images could."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from didlearn.arrays import Floats
from didlearn.checks.fidelity.leave_out import GROUPS
from didlearn.result.values import Estimate
from didlearn.statistics.fidelity.influence import Influences, LogInfluence
from didlearn.statistics.intervals import clopper_pearson, newcombe

DERIVATIVE, JACKKNIFE = "interval by influence of each image", "interval by leaving each image out"
LESS = "generated less training images"
_LEFT_OUT = f"interval by leaving out {GROUPS} groups of images"


def effect(share: Influences, level: float) -> Estimate:
    """Return the root of a squared effect, of the value and of both ends; what lies below zero is no effect."""
    squared = share.estimate(level, f"root of the kernel distance over the real images' spread; {JACKKNIFE}")
    ends = {key: math.sqrt(max(0.0, getattr(squared, key))) for key in ("value", "low", "high")}
    return squared.model_copy(update=ends | {"unit": "fraction"})


def exponential(pulled: list[LogInfluence], log: float, level: float, method: str, unit: str) -> Estimate:
    """Return exp(log) with the interval exp(log ± z √(Σ over scores of Σ pull² / n²)).

    Args:
        pulled: the scores whose logarithms were added or subtracted. log: what came of it.
        level: nominal coverage. method: in a few words. unit: of the exponential.
    """
    error = math.sqrt(sum(float(found.pull @ found.pull) / len(found.pull) ** 2 for found in pulled))
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    n = sum(len(found.pull) for found in pulled)
    low, value, high = (math.exp(log + step) for step in (-half, 0.0, half))
    return Estimate(value=value, low=low, high=high, level=level, n=n, method=f"{method}; {DERIVATIVE}", unit=unit)


def half_width(without: Floats, level: float) -> float:
    """Return half the jackknife's interval, t √((G − 1) / G · Σ (θ_j − θ̄)²), from values without each group, (G,)."""
    error = math.sqrt((GROUPS - 1) / GROUPS * float(np.square(without - without.mean()).sum()))
    return float(stats.t.ppf((1 + level) / 2, GROUPS - 1)) * error


def share_interval(value: float, without: Floats, trials: int | None, n: int, level: float) -> Estimate:
    """Return a share with its interval, no shorter than the exact binomial one.

    Args:
        value: the share. without: of the images without each group, (GROUPS,).
        trials: images it is a share of; ``None``: a density, any number from 0, that of no image without an upper end.
        n: images all together. level: nominal coverage.
    """
    half = half_width(without, level)
    low, high = max(0.0, value - half), value + half
    if trials is None:
        return _left_out(value, low, high if value else None, level, n, "ratio")
    least, most = clopper_pearson(round(value * trials), trials, level)
    return _left_out(value, min(low, least), min(1.0, max(high, most)), level, n, "fraction")


def gap_interval(own: float, null: float, without: Floats, trials: int | None, n: int, level: float) -> Estimate:
    """Return ``own`` − ``null``: where no group changes anything, a difference of proportions still has an error.

    Args:
        own, null: the two shares. without: their difference without each group, (GROUPS,).
        trials: images each is a share of; ``None``: densities. n: images all together. level: nominal coverage.
    """
    gap, half = own - null, half_width(without, level)
    low, high = gap - half, gap + half
    if trials is None:
        return _left_out(gap, low, high, level, n, "ratio", f"{LESS}; ")
    least, most = newcombe(round(own * trials), trials, round(null * trials), trials, level)
    low, high = max(-1.0, min(low, least)), min(1.0, max(high, most))
    return _left_out(gap, low, high, level, n, "fraction", f"{LESS}; ")


def _left_out(
    value: float, low: float, high: float | None, level: float, n: int, unit: str, before: str = ""
) -> Estimate:
    return Estimate(value=value, low=low, high=high, level=level, n=n, method=f"{before}{_LEFT_OUT}", unit=unit)
