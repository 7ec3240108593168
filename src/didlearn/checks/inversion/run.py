"""Run the inversion check."""

from __future__ import annotations

import math

from didlearn.audit.check import share_of_error
from didlearn.audit.subject import Subject
from didlearn.checks.image_classes import classes_note
from didlearn.checks.inversion.check import FEWEST_INVERTED, InversionCheck
from didlearn.checks.inversion.controls import Controls, Search, run_controls
from didlearn.checks.inversion.inverted import invert_groups
from didlearn.checks.inversion.measure import (
    Groups,
    Others,
    error_estimates,
    error_limit,
    feature_estimates,
    likely_estimates,
    made_beside,
    made_of,
    manifold_estimates,
    mapped_estimates,
    others_estimates,
    others_of,
    own_errors,
)
from didlearn.checks.inversion.own_inverse.run import run_own_inverse
from didlearn.checks.inversion.page import (
    control_table,
    effort_figure,
    error_figure,
    group_table,
    others_table,
    triptychs,
)
from didlearn.checks.inversion.verdict import InversionLimits, judge_inversion
from didlearn.checks.inverting import SearchEffort
from didlearn.checks.latents.encoding import every_image_lies_on_it
from didlearn.models.faults import find_fault
from didlearn.models.latents.fixed_noise import noise_note
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimates
from didlearn.rng import Stream


@one_thread()
def run_inversion(check: InversionCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Invert every group and the controls, and compare."""
    assert subject.train is not None
    fault = find_fault(subject.draw(check.images), subject.train.shape, FEWEST_INVERTED)
    if fault is not None:
        return fault.result(check.name)
    if every_image_lies_on_it(subject):
        return run_own_inverse(check, subject, rng)
    search = Search(subject, SearchEffort(check.draws, check.starts, check.rounds), check.level, check.all_classes)
    groups = invert_groups(subject, check.images, search.effort, check.published, rng, check.all_classes)
    search = search._replace(every=groups["train"].classes is None)  # what is planted is searched in the same way
    controls = run_controls(search, groups["train"], check.images, check.published, rng)
    others = {name: others_of(subject, group) for name, group in groups.items()}
    made = made_of(groups["train"], others["train"], subject.mild_changes if subject.points else None)
    estimates = made.estimates(check.level) | made_beside(groups, others, made.mild, check.level)
    estimates |= _estimates(search, groups, controls, others, rng)
    if check.space == "w":
        estimates |= mapped_estimates(search, groups)
    if check.loss == "embedding":
        estimates |= feature_estimates(search, groups, rng)
    parts = (
        Parts(estimates)
        + _page(groups, controls, others)
        + Parts(notes=subject.left_out + classes_note(subject, check.all_classes) + noise_note(search.model))
    )
    limits = InversionLimits(check.required, check.holes, check.made, check.level, share_of_error(check))
    decision = judge_inversion(estimates, made, limits, honest=not subject.split_off)
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _estimates(search: Search, groups: Groups, controls: Controls, others: dict[str, Others], rng: Stream) -> Estimates:
    level = search.level
    return {
        **error_estimates(groups, rng, level),
        **likely_estimates(search, groups["train"]),
        **manifold_estimates(groups, own_errors(groups, controls), level),
        **controls.estimates,
        **others_estimates(others, level),
    }


def _page(groups: Groups, controls: Controls, others: dict[str, Others]) -> Parts:
    limit, train = error_limit(own_errors(groups, controls)), groups["train"].found
    dimension = math.prod(train.latent.shape[1:])
    return Parts(
        tables=(group_table(groups, limit), control_table(controls), others_table(groups, others, dimension)),
        figures=(
            error_figure(groups, controls.found.error, limit),
            effort_figure(groups, ("train", "held-out", "generated")),
        ),
        galleries=(triptychs(groups),),
        arrays={f"{name}_error": group.found.error for name, group in groups.items()} | {"train_latent": train.latent},
    )
