"""Run the likelihood check."""

from __future__ import annotations

import math

from didlearn.audit.subject import Subject
from didlearn.checks.image_classes import classes_note
from didlearn.checks.likelihood.annealed import Measured, bounded_parts, measure_bounds, parts_beside
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.likelihood.known import known_estimates, known_in_words, known_points_table, known_table
from didlearn.checks.likelihood.measure import OWN_GROUPS, preference_estimates
from didlearn.checks.likelihood.page import (
    extremes,
    likelihood_figure,
    preference_table,
    published_table,
    sigma_curve_figure,
)
from didlearn.checks.likelihood.protocol import by_published, published_estimates, published_in_words, sigma_curves
from didlearn.checks.likelihood.verdict import judge_likelihood, judge_outside
from didlearn.checks.log_likelihood.bounds import Likelihoods
from didlearn.checks.log_likelihood.cost import annealing_work
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.checks.log_likelihood.images import dequantised
from didlearn.checks.log_likelihood.known import known_likelihoods, knows_density, own_stored, stored_groups
from didlearn.checks.log_likelihood.needs import FEWEST_REAL
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.models.latents.fixed_noise import noise_note
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimates
from didlearn.result.words import number
from didlearn.rng import Stream


@one_thread()
def run_likelihood(check: LikelihoodCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Estimate every group's likelihood, bound it where it has to be bounded, and compare."""
    assert subject.train is not None
    fault = find_fault(subject.draw(FEWEST_REAL), subject.train.shape, FEWEST_REAL)
    if fault is not None:
        return fault.result(check.name)
    effort = ChainEffort(
        check.images, check.chains, check.budget, check.observation, check.sigma, check.schedule, check.temperatures
    )
    if knows_density(subject):
        return _run_known(check, subject, effort, rng)
    measured = measure_bounds(subject, effort, check.all_classes)
    parts = bounded_parts(subject, measured, effort, check.level)
    parts += parts_beside(subject, measured.groups, measured.found, rng, check.level) + Parts(
        galleries=(extremes(measured.groups, measured.found),),
        notes=_notes(check, subject),
        arrays={f"{name}_log_likelihood": values for name, values in measured.found.items()},
    )
    beside, words = _asked_for(check, subject, effort, measured, parts.estimates)
    decision = judge_likelihood(parts.estimates, _outside(measured.found), check.tightness, check.budget)
    decision = decision._replace(answer=f"{decision.answer} {words}".rstrip())
    return CheckResult(check=check.name, **decision._asdict(), **(parts + beside).fields())


def _asked_for(
    check: LikelihoodCheck, subject: Subject, effort: ChainEffort, measured: Measured, ours: Estimates
) -> tuple[Parts, str]:
    """Every group against σ, and what the published protocol would have concluded, where they are asked for."""
    parts, groups, classes = Parts(), measured.groups, measured.classes
    if check.sigma_curves and check.observation != "bernoulli":
        curves = sigma_curves(subject, groups, classes, measured.calibration, effort)
        parts += Parts(figures=(sigma_curve_figure(curves),))
    if not check.published:
        return parts, ""
    sigma = measured.calibration.sigma
    found = by_published(subject, groups, classes, sigma, effort)
    estimates = published_estimates(subject, found, sigma, effort, check.level)
    table = published_table(measured.found, found, ours["bound_gap"], estimates["bound_gap_published"])
    return parts + Parts(estimates, tables=(table,)), published_in_words(found, estimates)


def _run_known(check: LikelihoodCheck, subject: Subject, effort: ChainEffort, rng: Stream) -> CheckResult:
    """Ask the generator for its density; beside it the bounds, where annealing is affordable."""
    stored = stored_groups(subject, check.images)
    stored["generated"] = own_stored(subject, check.images, stored["train"])
    found = known_likelihoods(subject, stored)
    groups = {name: dequantised(subject, name, raw) for name, raw in stored.items()}
    parts, preferences = _affordable(check, subject, effort), preference_estimates(found, check.level)
    parts += parts_beside(subject, groups, found, rng, check.level)
    D = math.prod(groups["train"].shape[1:])
    parts += Parts(
        estimates=known_estimates(subject, found, check.level) | preferences,
        tables=(
            known_points_table(found) if subject.points else known_table(found, D),
            preference_table(found, preferences, 0.0, "known preferences"),
        ),
        figures=(likelihood_figure(found, known=True),),
        galleries=(extremes(groups, found),),
        arrays={f"{name}_log_density": values for name, values in found.items()},
    )
    decision = judge_outside(parts.estimates, _outside(found), known_in_words(parts.estimates))
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _affordable(check: LikelihoodCheck, subject: Subject, effort: ChainEffort) -> Parts:
    """Return the bounds under observation noise, or a note that says what they would take."""
    assert isinstance(subject.model, LatentModel)
    classes = (subject.model.classes or 1) if check.all_classes else 1
    work = annealing_work(subject.model, effort, 3 + len(subject.comparable), classes, subject.device)
    if work > check.affordable:
        note = (
            f"The bound under observation noise was left out: it would take {number(work)} × 10¹² operations, and "
            f"{number(check.affordable)} × 10¹² are spent beside a known density. `affordable` of at least "
            f"{math.ceil(work)} has it done all the same."
        )
        return Parts(notes=(note, *_notes(check, subject)))
    measured = measure_bounds(subject, effort, check.all_classes)
    return bounded_parts(subject, measured, effort, check.level) + Parts(notes=_notes(check, subject))


def _notes(check: LikelihoodCheck, subject: Subject) -> tuple[str, ...]:
    return subject.left_out + classes_note(subject, check.all_classes) + noise_note(subject.model)


def _outside(found: Likelihoods) -> list[str]:
    return [name for name in found if name not in OWN_GROUPS]
