"""Is the generator the kind of model that the theorem speaks of?

Seddik et al. (2020) prove that features behave like Gaussian ones for Lipschitz generators of Gaussian latents, whose
observables fluctuate as little as a Gaussian's whatever the dimension. Both are measured: the Lipschitz constant
between an upper and a lower bound, and the fluctuations beside those of Gaussian features with the same moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from didlearn.audit.check import Check, register

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream


@register
@dataclass(frozen=True)
class Concentration(Check):
    """The Lipschitz constant, and how observables of features fluctuate.

    Attributes:
        samples: images drawn from the generator, and at most as many held-out ones.
        tested: rows that observables are taken of, the same number of both kinds.
        dimension: features are projected at random to this many where there are more.
        draws: prior draws at which the Jacobian's norm is taken.
        starts, steps: how many of the steepest are followed uphill, and how far.
        replicates: Gaussian replicates that variances are compared with.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "concentration"
    question: ClassVar[str] = "Is it the kind of generator whose features concentrate?"
    position: ClassVar[int] = 9

    samples: int = 10_000
    tested: Annotated[int, Field(ge=8)] = 500
    dimension: Annotated[int, Field(ge=4)] = 256
    draws: Annotated[int, Field(ge=8)] = 64
    starts: Annotated[int, Field(ge=1)] = 8
    steps: Annotated[int, Field(ge=0)] = 30
    replicates: Annotated[int, Field(ge=19)] = 99
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator."""
        return "there is no generator; give one with --generator" if subject.model is None else None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Bound the constant from both sides, and compare fluctuations."""
        from didlearn.checks.concentration.run import run_concentration

        return run_concentration(self, subject, rng)
