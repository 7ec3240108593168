"""Bounds by annealing on the likelihood of every group, and what simple densities say of the same images."""

from __future__ import annotations

import math
from typing import NamedTuple

from didlearn.arrays import Ints
from didlearn.audit.subject import Subject
from didlearn.checks.likelihood.measure import (
    WIDEST,
    ImageGroups,
    complexity_estimates,
    density_estimates,
    density_values,
    encoder_estimates,
    likelihood_estimates,
    preference_estimates,
    sigma_estimates,
)
from didlearn.checks.likelihood.page import (
    complexity_figures,
    density_table,
    likelihood_figure,
    preference_table,
    ranking_figure,
    ranking_table,
    sigma_figures,
)
from didlearn.checks.log_likelihood.bounds import Likelihoods, bound_gap, effort_drift, slack_of
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.checks.log_likelihood.images import own_image_classes, own_images, real_classes, real_groups
from didlearn.checks.log_likelihood.sigma import Calibration, choose_sigma
from didlearn.models.base import LatentModel
from didlearn.result.parts import Parts
from didlearn.result.values import Figure
from didlearn.rng import Stream

GroupClasses = dict[str, Ints | None]


class Measured(NamedTuple):
    """Every group's images (n, C, H, W), the classes (n,) they are taken under, and their log-likelihoods (n,).

    These at a quarter, half and the whole budget.
    """

    groups: ImageGroups
    calibration: Calibration
    classes: GroupClasses
    by_budget: dict[int, Likelihoods]
    before: Likelihoods
    found: Likelihoods


def measure_bounds(subject: Subject, effort: ChainEffort, every: bool) -> Measured:
    """Anneal every group at a quarter, half and all of the budget; ``every``: under all classes."""
    groups = real_groups(subject, effort.images, effort.observation)
    classes = real_classes(subject, groups, every)
    calibration = choose_sigma(subject, groups["held-out"], effort, classes["held-out"])
    classes["generated"] = own_image_classes(subject, effort.images, classes["train"] is not None)
    groups["generated"] = own_images(subject, effort.images, effort.observation, calibration.sigma)
    half = effort.share(2)
    by_budget = {
        budget: {
            name: log_likelihood(subject, name, images, calibration.sigma, effort, budget, classes[name])
            for name, images in groups.items()
        }
        for budget in sorted({effort.share(4), half, effort.budget})
    }
    return Measured(groups, calibration, classes, by_budget, by_budget[half], by_budget[effort.budget])


def bounded_parts(subject: Subject, measured: Measured, effort: ChainEffort, level: float) -> Parts:
    """What the likelihoods are, how far to trust them, and which group is likelier."""
    groups, calibration, _, by_budget, before, found = measured
    D, bits = math.prod(next(iter(groups.values())).shape[1:]), effort.observation != "bernoulli" and not subject.points
    bounds = bound_gap(sandwich(subject, calibration.sigma, effort), level)
    drift = effort_drift(before, found, level)
    preferences = preference_estimates(found, level)
    return Parts(
        estimates={
            **likelihood_estimates(found, D, level, bits=bits),
            **bounds,
            **sigma_estimates(calibration, level, "of the points' units" if subject.points else "of the pixel range"),
            **drift,
            **preferences,
            **encoder_estimates(subject, groups, calibration.sigma, effort.observation, level),
        },
        tables=(preference_table(found, preferences, slack_of(bounds | drift)), ranking_table(by_budget)),
        figures=(likelihood_figure(found), *sigma_figures(calibration), ranking_figure(by_budget)),
    )


def parts_beside(subject: Subject, groups: ImageGroups, found: Likelihoods, rng: Stream, level: float) -> Parts:
    """What simple densities and trivial statistics say of the same images."""
    assert isinstance(subject.model, LatentModel)
    values, fitted = density_values(subject, groups, rng)
    estimates, figures = density_estimates(values, level), tuple[Figure, ...]()
    if not subject.points:  # which have no patches
        estimates |= complexity_estimates(groups, found, values.get("ppca", {}), rng, level)
        figures = complexity_figures(groups, found)
    if not values:
        D = math.prod(subject.model.image_shape)
        left_out = f"Simple densities were left out: they are fitted up to {WIDEST} pixels, here are {D}."
        return Parts(estimates, figures=figures, notes=(left_out,))
    table = density_table(found, values, math.prod(subject.model.latent_shape), fitted)
    return Parts(estimates, tables=(table,), figures=figures)
