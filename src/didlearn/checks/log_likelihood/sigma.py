"""The observation noise σ: from reconstruction errors, and the value under which held-out images are likeliest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.log_likelihood.effort import FEW, ChainEffort
from didlearn.checks.log_likelihood.estimate import log_likelihood
from didlearn.inversion.invert import invert
from didlearn.models.base import LatentModel

_FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
_STEP = 1.4
_MOST = 10  # values tried, at the upper end
_LEAST_SIGMA = 1e-3
_STRAINED = 1.5


@dataclass(frozen=True)
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

    @property
    def strained(self) -> bool:
        """Whether the chains were too short for the noise: they found it likeliest well above what images leave.

        The likeliest σ² is the mean square of what the generator leaves of an image, which reconstruction bounds from
        above. Annealing that ends too soon falls the shorter the smaller σ is, and so prefers a larger one.
        """
        if self.reconstruction is None or self.likeliest is None:
            return False
        return self.likeliest > _STRAINED * self.reconstruction


def choose_sigma(subject: Subject, heldout: Singles, effort: ChainEffort, classes: Ints | None = None) -> Calibration:
    """Choose σ on a few held-out images (n, C, H, W), unless it is given; Bernoulli observations have none.

    ``classes`` (n,): those they are taken under, where the generator has any and not all of them are tried.
    """
    if effort.sigma is not None:
        return Calibration(effort.sigma)
    if effort.observation == "bernoulli":
        return Calibration(1.0)
    few = None if classes is None else classes[:FEW]
    return subject.once(
        ("sigma", effort, classes is None),
        lambda: _search_sigma(subject, heldout[:FEW], effort, few),
        effort.passes_of_choice(),
    )


def _search_sigma(subject: Subject, few: Singles, effort: ChainEffort, classes: Ints | None) -> Calibration:
    def mean_at(sigma: float) -> float:
        name = f"σ = {sigma:.3g}"
        return float(log_likelihood(subject, name, few, sigma, effort, effort.share(2), classes).mean())

    start = reconstruction_sigma(subject, few, classes)
    tried, means = try_around(start, mean_at)
    best = math.exp(peak(np.log(tried), np.array(means)))
    return Calibration(best, start, best, tuple(tried), tuple(means))


def reconstruction_sigma(subject: Subject, few: Singles, classes: Ints | None = None) -> float:
    """Return √(mean ‖x − G(ẑ)‖² / (D − d)): d of the D dimensions of the noise are fitted away by the search."""
    assert isinstance(subject.model, LatentModel)
    found = invert(
        subject.model, few, seed=subject.seed, labels=classes, rounds=1, within=False, device=subject.device,
        threads=subject.threads, records=subject.records,
    )  # fmt: skip
    D, d = few[0].size, math.prod(subject.model.latent_shape)
    return max(_LEAST_SIGMA, math.sqrt(float(found.error.mean()) * D / max(D - d, 1)))


def try_around(start: float, mean_at: Callable[[float], float]) -> tuple[list[float], list[float]]:
    """Try values about ``start``, and on beyond an end while the mean is largest there.

    Returns:
        The values, ascending, and ``mean_at`` each.
    """
    tried = [start * factor for factor in _FACTORS]
    means = [mean_at(sigma) for sigma in tried]
    while means[0] == max(means) and tried[0] > _LEAST_SIGMA:
        tried.insert(0, tried[0] / _STEP)
        means.insert(0, mean_at(tried[0]))
    while means[-1] == max(means) and len(tried) < _MOST:
        tried.append(tried[-1] * _STEP)
        means.append(mean_at(tried[-1]))
    return tried, means


def peak(x: Floats, y: Floats) -> float:
    """Return where the parabola through the highest point and its neighbours has its top, within them."""
    at = int(y.argmax())
    if at in (0, len(y) - 1):
        return float(x[at])
    a, b, _ = np.polyfit(x[at - 1 : at + 2], y[at - 1 : at + 2], 2)
    return float(np.clip(-b / (2 * a), x[at - 1], x[at + 1])) if a < 0 else float(x[at])
