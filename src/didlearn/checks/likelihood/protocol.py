"""The published protocol beside ours, and every group's likelihood against the observation noise."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from didlearn.arrays import Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import estimate_key
from didlearn.checks.likelihood.measure import ImageGroups, preference_estimates
from didlearn.checks.log_likelihood.bounds import NATS, Likelihoods, bound_gap
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.checks.log_likelihood.sigma import Calibration
from didlearn.result.values import Estimates
from didlearn.result.words import number, to_places
from didlearn.statistics.means import mean

_FEW = 4  # images of each group that a curve is drawn of
_FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
_PARTS = 4  # of the budget


class SigmaCurves(NamedTuple):
    """Mean log-likelihoods of a few images of every group at some σ, ascending."""

    sigma: tuple[float, ...]
    means: dict[str, tuple[float, ...]]
    images: int


def sigma_curves(
    subject: Subject, groups: ImageGroups, classes: dict[str, Ints | None], noise: Calibration, effort: ChainEffort
) -> SigmaCurves:
    """Evaluate every group at a few values of σ about the one used, all at the same effort."""
    tried = tuple(noise.sigma * factor for factor in _FACTORS)
    means = {
        name: tuple(float(_few(subject, name, images, classes[name], sigma, effort).mean()) for sigma in tried)
        for name, images in groups.items()
    }
    return SigmaCurves(tried, means, min(_FEW, effort.images))


def curve_images(effort: ChainEffort) -> float:
    """Return how many images of each group, at all of the budget, take as long as its curve does."""
    return len(_FACTORS) * min(_FEW, effort.images) * effort.share(_PARTS) / effort.budget


def _few(
    subject: Subject, name: str, images: Singles, classes: Ints | None, sigma: float, effort: ChainEffort
) -> Floats:
    under = None if classes is None else classes[:_FEW]
    return log_likelihood(
        subject, f"{name} at σ = {sigma:.3g}", images[:_FEW], sigma, effort, effort.share(_PARTS), under
    )


def by_published(
    subject: Subject, groups: ImageGroups, classes: dict[str, Ints | None], sigma: float, effort: ChainEffort
) -> Likelihoods:
    """Return every group's log-likelihoods by the published protocol; its step sizes are frozen, as all of ours are."""
    theirs = effort.as_published()
    return {
        name: log_likelihood(subject, f"{name}, as published", images, sigma, theirs, classes=classes[name])
        for name, images in groups.items()
    }


def published_estimates(
    subject: Subject, found: Likelihoods, sigma: float, effort: ChainEffort, level: float
) -> Estimates:
    """Its means and preferences, and how far its own bounds lie apart on simulated images."""
    gap = bound_gap(sandwich(subject, sigma, effort.as_published()), level)["bound_gap"]
    means = {
        f"{estimate_key('log_likelihood', name)}_published": mean(nats, level, NATS) for name, nats in found.items()
    }
    preferences = {f"{name}_published": estimate for name, estimate in preference_estimates(found, level).items()}
    return {**means, **preferences, "bound_gap_published": gap}


def published_in_words(found: Likelihoods, estimates: Estimates) -> str:
    """Say what the published protocol would have concluded, which ranks means without asking how loose they are."""
    ranked = sorted(found, key=lambda name: -float(found[name].mean()))
    order = ", then ".join(f"{name} ({to_places(float(found[name].mean()))} nats)" for name in ranked)
    gap = estimates["bound_gap_published"].point
    words = (
        f"The published protocol would have concluded that the likeliest are {order}; its bounds lie {number(gap)} "
        "nats apart."
    )
    surely = all(abs(float(found[a].mean() - found[b].mean())) > gap for a, b in pairwise(ranked))
    return words if surely else f"{words} Some of these differences are smaller than that, and so no conclusion."
