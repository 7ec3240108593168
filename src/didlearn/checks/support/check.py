"""How many different images can the generator make? The birthday-paradox test (Arora, Risteski & Zhang 2018).

In the published form batches of ``s`` samples are searched for duplicates. The efficient form counts duplicate
pairs over one large sample: with p the generator's law over pictures, C pairs among n samples estimate the collision
probability Σp² without bias, and 1/Σp² is the *effective support*: as many equally likely pictures would collide as
often. It is at most the number of different pictures, and far below it where a few are drawn often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from didlearn.audit.check import Check, register

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream


@register
@dataclass(frozen=True)
class Support(Check):
    """The birthday-paradox test.

    Attributes:
        samples: images drawn from the generator, and at most as many held-out ones.
        candidates: closest pairs listed for a person to look at.
        factor: the generator passes when its effective support is shown to be at least the real set's over this.
        false_pairs: expected number of false duplicate pairs the calibrated threshold allows in the whole sample.
        threshold: distance at or below which two images are duplicates; calibrated when ``None``.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "support"
    question: ClassVar[str] = "How many different images can the generator make?"
    position: ClassVar[int] = 1

    samples: int = 20_000
    candidates: int = 20
    factor: float = 2.0
    false_pairs: float = 0.5
    threshold: float | None = None
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: the check needs a generator, and nothing else."""
        return "there is no generator; give one with --generator" if subject.model is None else None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""
        from didlearn.checks.support.run import run_support

        return run_support(self, subject, rng)
