"""Invert every group and the controls, and compare."""

from __future__ import annotations

from didlearn.audit.subject import Subject
from didlearn.checks.groups import image_groups
from didlearn.checks.inversion.check import FEWEST, InversionCheck
from didlearn.checks.inversion.controls import run_controls
from didlearn.checks.inversion.measure import baseline_parts, control_parts, error_parts, likely_parts, manifold_parts
from didlearn.checks.inversion.page import effort_figure, error_figure, triptychs
from didlearn.checks.inversion.verdict import judge_inversion
from didlearn.checks.inverting import Effort
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream


@one_thread()
def run_inversion(check: InversionCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Invert every group and the controls, and compare."""
    assert subject.train is not None
    fault = find_fault(subject.draw(check.images), subject.train.shape, FEWEST)
    if fault is not None:
        return fault.result(check.name)
    effort = Effort(check.draws, check.starts, check.rounds)
    groups = image_groups(subject, check.images, effort, check.published, rng)
    controls = run_controls(subject, groups["train"], check.images, effort, check.published, rng, check.level)
    numbers = error_parts(groups, rng, check.level) + likely_parts(subject, groups["train"], effort, check.level)
    numbers += manifold_parts(groups, controls, check.level)
    limit = numbers.estimates["own_error_limit"].value or 0.0
    pictures = Parts(
        figures=(
            error_figure(groups, controls.found.error, limit),
            effort_figure(groups, ("train", "held-out", "generated")),
        ),
        galleries=(triptychs(groups),),
        notes=subject.left_out,
        arrays={f"{name}_error": group.found.error for name, group in groups.items()}
        | {"train_latent": groups["train"].found.latent},
    )
    parts = numbers + control_parts(controls) + baseline_parts(subject, groups, check.level) + pictures
    decision = judge_inversion(
        parts.estimates, check.required, check.tolerance, check.alpha, honest=not subject.split_off
    )
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())
