"""The observation noise σ: from reconstruction errors, and the value under which held-out images are likeliest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.log_likelihood.effort import LEAST_BUDGET, Effort
from didlearn.checks.log_likelihood.estimate import log_likelihood
from didlearn.inversion.invert import invert
from didlearn.models.base import LatentModel

_FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
FEW = 8
_LEAST = 1e-3


@dataclass(frozen=True, eq=False)
class Calibration:
    """The observation noise and where it comes from.

    Attributes:
        sigma: what is used. reconstruction: σ² = mean ‖x − G(ẑ)‖² / (D − d), its root; ``None`` if σ was given.
        likeliest: the σ of the largest mean log-likelihood; ``None`` if σ was given.
        tried: (k,) values tried. mean: (k,) mean log-likelihood of held-out images at each.
    """

    sigma: float
    reconstruction: float | None = None
    likeliest: float | None = None
    tried: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()


def calibrate(subject: Subject, heldout: Array, effort: Effort) -> Calibration:
    """Choose σ on a few held-out images (n, C, H, W), unless it is given; Bernoulli observations have none."""
    if effort.sigma is not None:
        return Calibration(effort.sigma)
    if effort.observation == "bernoulli":
        return Calibration(1.0)
    return subject.once(("sigma", effort), lambda: _calibrate(subject, heldout[:FEW], effort))


def _calibrate(subject: Subject, few: Array, effort: Effort) -> Calibration:
    assert isinstance(subject.model, LatentModel)
    found = invert(
        subject.model, few, seed=subject.seed, rounds=1, within=False, device=subject.device, threads=subject.threads
    )
    D, d = few[0].size, math.prod(subject.model.latent_shape)
    start = max(_LEAST, math.sqrt(float(found.error.mean()) * D / max(D - d, 1)))
    tried = [start * factor for factor in _FACTORS]
    means = [_mean(subject, few, sigma, effort) for sigma in tried]
    while means[0] == max(means) and tried[0] > _LEAST:
        tried.insert(0, tried[0] / 1.4)
        means.insert(0, _mean(subject, few, tried[0], effort))
    while means[-1] == max(means) and len(tried) < 2 * len(_FACTORS):
        tried.append(tried[-1] * 1.4)
        means.append(_mean(subject, few, tried[-1], effort))
    best = peak(np.log(tried), np.array(means))
    return Calibration(math.exp(best), start, math.exp(best), tuple(tried), tuple(means))


def _mean(subject: Subject, few: Array, sigma: float, effort: Effort) -> float:
    return float(
        log_likelihood(
            subject, f"σ = {sigma:.3g}", few, sigma, effort, budget=max(effort.budget // 2, LEAST_BUDGET)
        ).mean()
    )


def peak(x: Array, y: Array) -> float:
    """Return where the parabola through the highest point and its neighbours has its top, within them."""
    at = int(y.argmax())
    if at in (0, len(y) - 1):
        return float(x[at])
    a, b, _ = np.polyfit(x[at - 1 : at + 2], y[at - 1 : at + 2], 2)
    return float(np.clip(-b / (2 * a), x[at - 1], x[at + 1])) if a < 0 else float(x[at])
