"""How likely does the generator find its training data, and others?

Annealed importance sampling (after Wu et al. 2017 and Friedman & Weiss 2024), with bounds from both sides on images the
model made itself: a difference smaller than their gap is no difference.
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
        from didlearn.checks.log_likelihood.needs import missing_for_density

        return missing_for_density(subject, FEWEST)

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Estimate every group's likelihood, bound it, and compare."""
        from didlearn.checks.likelihood.run import run_likelihood

        return run_likelihood(self, subject, rng)
