"""Compare the likelihoods of real groups with those of the model's own samples."""

from __future__ import annotations

from didlearn.arrays import Ints, Singles
from didlearn.audit.check import share_of_error
from didlearn.audit.subject import Subject
from didlearn.checks.image_classes import classes_note
from didlearn.checks.log_likelihood.bounds import bound_gap, effort_drift, slack_of
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.checks.log_likelihood.images import own_image_classes, own_images, real_classes, real_groups
from didlearn.checks.log_likelihood.known import (
    known_likelihoods,
    known_log_density,
    knows_density,
    own_stored,
    stored_groups,
)
from didlearn.checks.log_likelihood.needs import FEWEST_REAL
from didlearn.checks.log_likelihood.sigma import Calibration, choose_sigma
from didlearn.checks.typicality.check import TypicalityCheck
from didlearn.checks.typicality.measure import typical_estimates
from didlearn.checks.typicality.page import typical_figure, typical_table
from didlearn.checks.typicality.verdict import TypicalityLimits, judge_typicality
from didlearn.models.faults import find_fault
from didlearn.models.latents.fixed_noise import noise_note
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_KNOWN = "Likelihoods are the generator's own density: without noise, without bounds."


@one_thread()
def run_typicality(check: TypicalityCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Estimate the likelihoods of real groups and of the model's own samples, and compare."""
    assert subject.train is not None
    fault = find_fault(subject.draw(FEWEST_REAL), subject.train.shape, FEWEST_REAL)
    if fault is not None:
        return fault.result(check.name)
    if knows_density(subject):
        return _run_known(check, subject, rng)
    effort = ChainEffort(check.images, check.chains, check.budget, check.observation, check.sigma)
    real = real_groups(subject, check.images, check.observation)
    classes = real_classes(subject, real, check.all_classes)
    noise = choose_sigma(subject, real["held-out"], effort, classes["held-out"])
    notes = subject.left_out + classes_note(subject, check.all_classes) + noise_note(subject.model)
    parts = _measure(check, subject, effort, real, classes, noise.sigma, rng) + Parts(notes=notes)
    groups = ["train", "held-out", *subject.comparable]
    return _judged(check, parts, groups, slack_of(parts.estimates), noise)


def _judged(
    check: TypicalityCheck, parts: Parts, groups: list[str], slack: float, noise: Calibration | None
) -> CheckResult:
    limits = TypicalityLimits(check.tolerance, check.level, share_of_error(check), slack)
    found = parts.estimates["atypical_train"]
    count = round(found.point * found.n)
    decision = judge_typicality(parts.estimates, count, found.n, limits, groups, noise)
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _run_known(check: TypicalityCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Compare where the generator knows its density: no noise, and no bounds."""
    stored = stored_groups(subject, check.images)
    real = known_likelihoods(subject, stored)
    own = known_log_density(subject, "typical", own_stored(subject, check.drawn, stored["train"], "typical"))
    found = typical_estimates(own, real, check.batch, rng, check.level)
    parts = Parts(
        estimates=found,
        tables=(typical_table(own, real, found, check.batch),),
        figures=(typical_figure(own, real),),
        notes=(_KNOWN, *subject.left_out),
        arrays={"own_log_likelihood": own},
    )
    return _judged(check, parts, list(real), 0.0, None)


def _measure(
    check: TypicalityCheck,
    subject: Subject,
    effort: ChainEffort,
    groups: dict[str, Singles],
    classes: dict[str, Ints | None],
    sigma: float,
    rng: Stream,
) -> Parts:
    drawn = own_images(subject, check.drawn, check.observation, sigma, "typical")
    under = own_image_classes(subject, check.drawn, classes["train"] is not None, "typical")
    own = log_likelihood(subject, "its own samples", drawn, sigma, effort, classes=under)
    real = {
        name: log_likelihood(subject, name, images, sigma, effort, classes=classes[name])
        for name, images in groups.items()
    }
    before = log_likelihood(subject, "train", groups["train"], sigma, effort, effort.share(2), classes["train"])
    found = typical_estimates(own, real, check.batch, rng, check.level)
    return Parts(
        estimates={
            **found,
            **bound_gap(sandwich(subject, sigma, effort), check.level),
            **effort_drift({"train": before}, {"train": real["train"]}, check.level),
        },
        tables=(typical_table(own, real, found, check.batch),),
        figures=(typical_figure(own, real),),
        arrays={"own_log_likelihood": own},
    )
