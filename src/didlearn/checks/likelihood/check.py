"""How likely does the generator find its training data, and others?

Annealed importance sampling (after Wu et al. 2017 and Friedman & Weiss 2024), with bounds from both sides on images the
model made itself: a difference smaller than their gap is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
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
from didlearn.checks.log_likelihood.needs import missing_for_density
from didlearn.checks.log_likelihood.sigma import calibrate
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_FEWEST = 8


@register
@dataclass(frozen=True)
class LikelihoodCheck(Check):
    """Log-likelihoods of groups of images, with the bounds' gap beside every difference.

    Attributes:
        images: of each group. chains: for each image.
        budget: gradient evaluations of each chain; the ranking is also shown at a half and a quarter of it.
        observation: ``"gaussian"``, ``"laplace"`` or ``"bernoulli"``.
        sigma: of the observation; calibrated on held-out images when ``None``.
        tightness: gap of the bounds, in nats, that still allows a verdict.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "likelihood"
    question: ClassVar[str] = "Does the generator find real images likely?"
    position: ClassVar[int] = 6

    images: int = 16
    chains: int = 8
    budget: int = 480
    observation: str = "gaussian"
    sigma: float | None = None
    tightness: float = 1.0
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a latent model, training and held-out images of its shape."""
        return missing_for_density(subject, _FEWEST)

    @one_thread()
    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Estimate every group's likelihood, bound it, and compare."""
        assert subject.train is not None
        fault = find_fault(subject.draw(_FEWEST), subject.train.shape, _FEWEST)
        if fault is not None:
            return fault.result(self.name)
        effort = Effort(self.images, self.chains, self.budget, self.observation, self.sigma)
        groups = real_groups(subject, self.images, self.observation)
        calibration = calibrate(subject, groups["held-out"], effort)
        groups["generated"] = own_images(subject, self.images, self.observation, calibration.sigma)
        half, quarter = (max(self.budget // share, LEAST_BUDGET) for share in (2, 4))
        by_budget = {
            budget: {
                name: log_likelihood(subject, name, images, calibration.sigma, effort, budget)
                for name, images in groups.items()
            }
            for budget in sorted({quarter, half, self.budget})
        }
        found = by_budget[self.budget]
        bounds = gap_parts(sandwich(subject, calibration.sigma, effort), self.level)
        bounds += sigma_parts(calibration, self.level)
        D = int(np.prod(subject.train.shape))
        parts = likelihood_parts(found, D, self.level, bits=self.observation != "bernoulli") + bounds
        parts += drift_parts(by_budget[half], found, self.level)
        parts += preference_parts(found, slack_of(parts.estimates), self.level) + ranking_parts(by_budget)
        parts += encoder_parts(subject, groups, calibration.sigma, self.observation, self.level)
        simple, ppca = baseline_parts(subject, groups, found, rng, self.level)
        parts += simple + complexity_parts(groups, found, ppca, rng, self.level)
        parts += Parts(
            galleries=(extremes(groups, found),),
            notes=subject.left_out,
            arrays={f"{name}_log_likelihood": values for name, values in found.items()},
        )
        outside = [name for name in groups if name not in ("train", "held-out", "generated")]
        decision = judge_likelihood(parts.estimates, outside, self.tightness, self.budget)
        return CheckResult(check=self.name, **decision._asdict(), **parts.fields())
