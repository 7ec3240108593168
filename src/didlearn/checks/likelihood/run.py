"""Estimate every group's likelihood, bound it, and compare."""

from __future__ import annotations

import numpy as np

from didlearn.audit.subject import Subject
from didlearn.checks.likelihood.check import FEWEST, LikelihoodCheck
from didlearn.checks.likelihood.measure import (
    baseline_parts,
    complexity_parts,
    encoder_parts,
    extremes,
    likelihood_parts,
    preference_parts,
    ranking_parts,
    sigma_parts,
)
from didlearn.checks.likelihood.verdict import judge_likelihood
from didlearn.checks.log_likelihood.bounds import drift_parts, gap_parts, slack_of
from didlearn.checks.log_likelihood.effort import LEAST_BUDGET, Effort
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.checks.log_likelihood.groups import own_images, real_groups
from didlearn.checks.log_likelihood.sigma import calibrate
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream


@one_thread()
def run_likelihood(check: LikelihoodCheck, subject: Subject, rng: Stream) -> CheckResult:
    """Estimate every group's likelihood, bound it, and compare."""
    assert subject.train is not None
    fault = find_fault(subject.draw(FEWEST), subject.train.shape, FEWEST)
    if fault is not None:
        return fault.result(check.name)
    effort = Effort(check.images, check.chains, check.budget, check.observation, check.sigma)
    groups = real_groups(subject, check.images, check.observation)
    calibration = calibrate(subject, groups["held-out"], effort)
    groups["generated"] = own_images(subject, check.images, check.observation, calibration.sigma)
    half, quarter = (max(check.budget // share, LEAST_BUDGET) for share in (2, 4))
    by_budget = {
        budget: {
            name: log_likelihood(subject, name, images, calibration.sigma, effort, budget)
            for name, images in groups.items()
        }
        for budget in sorted({quarter, half, check.budget})
    }
    found = by_budget[check.budget]
    bounds = gap_parts(sandwich(subject, calibration.sigma, effort), check.level)
    bounds += sigma_parts(calibration, check.level)
    D = int(np.prod(subject.train.shape))
    parts = likelihood_parts(found, D, check.level, bits=check.observation != "bernoulli") + bounds
    parts += drift_parts(by_budget[half], found, check.level)
    parts += preference_parts(found, slack_of(parts.estimates), check.level) + ranking_parts(by_budget)
    parts += encoder_parts(subject, groups, calibration.sigma, check.observation, check.level)
    simple, ppca = baseline_parts(subject, groups, found, rng, check.level)
    parts += simple + complexity_parts(groups, found, ppca, rng, check.level)
    parts += Parts(
        galleries=(extremes(groups, found),),
        notes=subject.left_out,
        arrays={f"{name}_log_likelihood": values for name, values in found.items()},
    )
    outside = [name for name in groups if name not in ("train", "held-out", "generated")]
    decision = judge_likelihood(parts.estimates, outside, check.tightness, check.budget)
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())
