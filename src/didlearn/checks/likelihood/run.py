"""Run the likelihood check."""

from __future__ import annotations

import math
from typing import NamedTuple

from didlearn.arrays import Ints
from didlearn.audit.subject import Subject
from didlearn.checks.image_classes import classes_note
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.likelihood.measure import (
    OWN_GROUPS,
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
    extremes,
    likelihood_figure,
    preference_table,
    published_table,
    ranking_figure,
    ranking_table,
    sigma_curve_figure,
    sigma_figures,
)
from didlearn.checks.likelihood.protocol import by_published, published_estimates, published_in_words, sigma_curves
from didlearn.checks.likelihood.verdict import judge_likelihood
from didlearn.checks.log_likelihood.bounds import Likelihoods, bound_gap, effort_drift, slack_of
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.checks.log_likelihood.images import own_image_classes, own_images, real_classes, real_groups
from didlearn.checks.log_likelihood.needs import FEWEST_REAL
from didlearn.checks.log_likelihood.sigma import Calibration, choose_sigma
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.models.latents.fixed_noise import noise_note
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimates
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


@one_thread()
def run_likelihood(check: LikelihoodCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Estimate every group's likelihood, bound it, and compare."""
    assert subject.train is not None
    fault = find_fault(subject.draw(FEWEST_REAL), subject.train.shape, FEWEST_REAL)
    if fault is not None:
        return fault.result(check.name)
    effort = ChainEffort(
        check.images, check.chains, check.budget, check.observation, check.sigma, check.schedule, check.temperatures
    )
    measured = _measure(subject, effort, check.all_classes)
    parts = _likelihoods(subject, measured, effort, check.level) + _beside(subject, measured, rng, check.level)
    parts += Parts(
        galleries=(extremes(measured.groups, measured.found),),
        notes=subject.left_out + classes_note(subject, check.all_classes) + noise_note(subject.model),
        arrays={f"{name}_log_likelihood": values for name, values in measured.found.items()},
    )
    words = ""
    if check.sigma_curves and check.observation != "bernoulli":
        curves = sigma_curves(subject, measured.groups, measured.classes, measured.calibration, effort)
        parts += Parts(figures=(sigma_curve_figure(curves),))
    if check.published:
        beside, words = _published(subject, measured, parts.estimates, effort, check.level)
        parts += beside
    outside = [name for name in measured.groups if name not in OWN_GROUPS]
    decision = judge_likelihood(parts.estimates, outside, check.tightness, check.budget)
    decision = decision._replace(answer=f"{decision.answer} {words}".rstrip())
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _published(
    subject: Subject, measured: Measured, ours: Estimates, effort: ChainEffort, level: float
) -> tuple[Parts, str]:
    """What the published protocol makes of the same images, and what it would have concluded."""
    sigma = measured.calibration.sigma
    found = by_published(subject, measured.groups, measured.classes, sigma, effort)
    estimates = published_estimates(subject, found, sigma, effort, level)
    table = published_table(measured.found, found, ours["bound_gap"], estimates["bound_gap_published"])
    return Parts(estimates, tables=(table,)), published_in_words(found, estimates)


def _measure(subject: Subject, effort: ChainEffort, every: bool) -> Measured:
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


def _likelihoods(subject: Subject, measured: Measured, effort: ChainEffort, level: float) -> Parts:
    """What the likelihoods are, how far to trust them, and which group is likelier."""
    groups, calibration, _, by_budget, before, found = measured
    D, bits = math.prod(next(iter(groups.values())).shape[1:]), effort.observation != "bernoulli"
    bounds = bound_gap(sandwich(subject, calibration.sigma, effort), level)
    drift = effort_drift(before, found, level)
    preferences = preference_estimates(found, level)
    return Parts(
        estimates={
            **likelihood_estimates(found, D, level, bits=bits),
            **bounds,
            **sigma_estimates(calibration, level),
            **drift,
            **preferences,
            **encoder_estimates(subject, groups, calibration.sigma, effort.observation, level),
        },
        tables=(preference_table(found, preferences, slack_of(bounds | drift)), ranking_table(by_budget)),
        figures=(likelihood_figure(found), *sigma_figures(calibration), ranking_figure(by_budget)),
    )


def _beside(subject: Subject, measured: Measured, rng: Stream, level: float) -> Parts:
    """What simple densities and trivial statistics say of the same images."""
    assert isinstance(subject.model, LatentModel)
    groups, found = measured.groups, measured.found
    values, fitted = density_values(subject, groups, rng)
    estimates = density_estimates(values, level) | complexity_estimates(
        groups, found, values.get("ppca", {}), rng, level
    )
    figures = complexity_figures(groups, found)
    if not values:
        D = math.prod(subject.model.image_shape)
        left_out = f"Simple densities were left out: they are fitted up to {WIDEST} pixels, here are {D}."
        return Parts(estimates, figures=figures, notes=(left_out,))
    table = density_table(found, values, math.prod(subject.model.latent_shape), fitted)
    return Parts(estimates, tables=(table,), figures=figures)
