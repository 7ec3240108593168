"""Run the inversion check on a generator that makes every image."""

from __future__ import annotations

from didlearn.audit.check import share_of_error
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.inversion.own_inverse.measure import latent_estimates, measure_groups
from didlearn.checks.inversion.own_inverse.page import latent_table, score_figure
from didlearn.checks.inversion.own_inverse.verdict import judge_latents, without_inverse
from didlearn.checks.inversion.verdict import InversionLimits
from didlearn.checks.latents.encoding import inverts_itself
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream


def run_own_inverse(check: InversionCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Find every group's latents by the generator's own inverse, and ask whether they are typical."""
    if not inverts_itself(subject):
        assert subject.model is not None
        return CheckResult(check=check.name, **without_inverse(subject.model.name)._asdict())
    groups = measure_groups(subject, check.images, rng)
    estimates = latent_estimates(groups, check.level)
    limits = InversionLimits(check.required, check.holes, check.made, check.level, share_of_error(check))
    decision = judge_latents(estimates, groups, limits, check.atypical, honest=not subject.split_off)
    parts = Parts(
        estimates,
        tables=(latent_table(groups, estimates),),
        figures=(score_figure(groups),),
        notes=subject.left_out,
        arrays={f"{name}_score": group.scores for name, group in groups.items()}
        | {"train_latent": groups["train"].found.latents},
    )
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())
