"""Are real images typical of what the generator makes?

Most of a distribution's mass lies where the log-likelihood is near its mean, the negative entropy (Nalisnick et al.
2019). The model's own samples, with their observation noise, say where that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from didlearn.audit.check import Check, register

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

FEWEST = 8


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
        from didlearn.checks.log_likelihood.needs import missing_for_density

        return missing_for_density(subject, FEWEST)

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Compare the likelihoods of real groups with those of the model's own samples."""
        from didlearn.checks.typicality.run import run_typicality

        return run_typicality(self, subject, rng)
