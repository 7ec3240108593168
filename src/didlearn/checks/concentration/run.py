"""Bound the constant from both sides, and compare fluctuations."""

from __future__ import annotations

from didlearn.audit.subject import Subject
from didlearn.checks.concentration.check import Concentration
from didlearn.checks.concentration.lipschitz import lipschitz_lower, lipschitz_upper
from didlearn.checks.concentration.measure import measure_fluctuations
from didlearn.checks.concentration.page import fluctuation_parts, lipschitz_parts
from didlearn.checks.concentration.verdict import judge_concentration
from didlearn.checks.feature_groups import FEWEST_ROWS, OWN, feature_groups
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream


@one_thread()
def run_concentration(check: Concentration, subject: Subject, rng: Stream) -> CheckResult:
    """Bound the constant from both sides, and compare fluctuations."""
    drawn = subject.draw(check.samples)
    fault = find_fault(drawn, None if subject.heldout is None else subject.heldout.shape, FEWEST_ROWS)
    if fault is not None:
        return fault.result(check.name)
    subject.progress(check.name, 0, 2)
    parts, why = _constant(check, subject, rng)
    subject.progress(check.name, 1, 2)
    parts += _fluctuations(check, subject, rng)
    subject.progress(check.name, 2, 2)
    decision = judge_concentration(parts.estimates, why)
    if decision.verdict == "inconclusive":
        return CheckResult(check=check.name, **decision._asdict())
    parts += Parts(notes=(*drawn.notes, *subject.embedding.notes))
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _constant(check: Concentration, subject: Subject, rng: Stream) -> tuple[Parts, str]:
    model = subject.model
    if not isinstance(model, LatentModel):
        return Parts(), "samples have no latent that could be changed"
    if model.coupled:
        return Parts(), "an image depends on the latents that are decoded beside it"
    upper = lipschitz_upper(model, subject.device)
    lower = lipschitz_lower(model, check.draws, check.starts, check.steps, rng.child("ascent"), subject.device)
    return lipschitz_parts(upper, lower, check.level), ""


def _fluctuations(check: Concentration, subject: Subject, rng: Stream) -> Parts:
    groups = feature_groups(subject, None, check.samples, check.dimension, rng.child("rows"))
    fit = [g for g in groups.values() if len(g.features) >= FEWEST_ROWS and (g.features != g.features[0]).any()]
    left = tuple(f"{name} images were left out: too few, or all alike." for name, g in groups.items() if g not in fit)
    if OWN not in [group.name for group in fit]:
        return Parts(notes=left)
    tested = min([check.tested, *(len(group.features) // 2 for group in fit)])
    found = [measure_fluctuations(group, tested, check.replicates, rng.child(group.name)) for group in fit]
    return fluctuation_parts(found, check.level) + Parts(notes=left)
