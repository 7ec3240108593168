"""Are real images typical of what the generator makes?

Most of a distribution's mass lies where the log-likelihood is near its mean, the negative entropy (Nalisnick et al.
2019). The model's own samples, with their observation noise, say where that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
from didlearn.checks.log_likelihood.bounds import drift_parts, gap_parts
from didlearn.checks.log_likelihood.effort import LEAST_BUDGET, Effort
from didlearn.checks.log_likelihood.estimate import log_likelihood, sandwich
from didlearn.checks.log_likelihood.groups import own_images, real_groups
from didlearn.checks.log_likelihood.needs import missing_for_density
from didlearn.checks.log_likelihood.sigma import calibrate
from didlearn.checks.typicality.measure import judge_typicality, typical_figure, typical_parts
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_FEWEST = 8


@register
@dataclass(frozen=True)
class TypicalityCheck(Check):
    """Whether groups of real images have the log-likelihood that the model's own samples have.

    Attributes:
        drawn: images of the model, with their noise. images: of each real group.
        chains, budget, observation, sigma: of the likelihood, as in that check.
        batch: images a batch of the batch statistic.
        tolerance: difference of means, in the samples' standard deviations, that is still typical.
        alpha: significance, after Holm's correction over the groups.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "typicality"
    question: ClassVar[str] = "Are real images typical of the generator?"
    position: ClassVar[int] = 7

    drawn: int = 48
    images: int = 16
    chains: int = 8
    budget: int = 480
    observation: str = "gaussian"
    sigma: float | None = None
    batch: int = 4
    tolerance: float = 0.5
    alpha: float = 0.05
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a latent model, training and held-out images of its shape."""
        return missing_for_density(subject, _FEWEST)

    @one_thread()
    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Compare the likelihoods of real groups with those of the model's own samples."""
        assert subject.train is not None
        fault = find_fault(subject.draw(_FEWEST), subject.train.shape, _FEWEST)
        if fault is not None:
            return fault.result(self.name)
        effort = Effort(self.images, self.chains, self.budget, self.observation, self.sigma)
        groups = real_groups(subject, self.images, self.observation)
        sigma = calibrate(subject, groups["held-out"], effort).sigma
        drawn = own_images(subject, self.drawn, self.observation, sigma, "typical")
        own = log_likelihood(subject, "its own samples", drawn, sigma, effort)
        real = {name: log_likelihood(subject, name, images, sigma, effort) for name, images in groups.items()}
        parts = typical_parts(own, real, self.batch, rng, self.level) + Parts(
            figures=(typical_figure(own, real),), notes=subject.left_out
        )
        half = max(self.budget // 2, LEAST_BUDGET)
        before = log_likelihood(subject, "train", groups["train"], sigma, effort, half)
        parts += gap_parts(sandwich(subject, sigma, effort), self.level)
        parts += drift_parts({"train": before}, {"train": real["train"]}, self.level)
        decision = judge_typicality(parts.estimates, self.tolerance, self.alpha, list(real))
        return CheckResult(check=self.name, **decision._asdict(), **parts.fields())
