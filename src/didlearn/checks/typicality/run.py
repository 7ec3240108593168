"""Compare the likelihoods of real groups with those of the model's own samples."""

from __future__ import annotations

from didlearn.audit.subject import Subject
from didlearn.checks.log_likelihood.bounds import drift_parts, gap_parts
from didlearn.checks.log_likelihood.effort import LEAST_BUDGET, Effort
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.checks.log_likelihood.groups import own_images, real_groups
from didlearn.checks.log_likelihood.sigma import calibrate
from didlearn.checks.typicality.check import FEWEST, TypicalityCheck
from didlearn.checks.typicality.measure import judge_typicality, typical_figure, typical_parts
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream


@one_thread()
def run_typicality(check: TypicalityCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Compare the likelihoods of real groups with those of the model's own samples."""
    assert subject.train is not None
    fault = find_fault(subject.draw(FEWEST), subject.train.shape, FEWEST)
    if fault is not None:
        return fault.result(check.name)
    effort = Effort(check.images, check.chains, check.budget, check.observation, check.sigma)
    groups = real_groups(subject, check.images, check.observation)
    sigma = calibrate(subject, groups["held-out"], effort).sigma
    drawn = own_images(subject, check.drawn, check.observation, sigma, "typical")
    own = log_likelihood(subject, "its own samples", drawn, sigma, effort)
    real = {name: log_likelihood(subject, name, images, sigma, effort) for name, images in groups.items()}
    parts = typical_parts(own, real, check.batch, rng, check.level) + Parts(
        figures=(typical_figure(own, real),), notes=subject.left_out
    )
    half = max(check.budget // 2, LEAST_BUDGET)
    before = log_likelihood(subject, "train", groups["train"], sigma, effort, half)
    parts += gap_parts(sandwich(subject, sigma, effort), check.level)
    parts += drift_parts({"train": before}, {"train": real["train"]}, check.level)
    decision = judge_typicality(parts.estimates, check.tolerance, check.alpha, list(real))
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())
