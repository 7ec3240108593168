"""Do its images, as a set, come near to real ones?

The scores that the field reports (Fréchet and kernel distance, precision, recall, density, coverage, Vendi score), each
with its error, and each beside what as many training images score in the place of the generated ones: a perfect
generator could do no better, and at finite numbers of images that is not zero and not one.
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

FEWEST = 40


@register
@dataclass(frozen=True)
class Fidelity(Check):
    """Generated against held-out images, as sets, in the subject's embedding.

    Attributes:
        samples: images drawn from the generator; at most as many held-out and training ones.
        neighbors: the neighbour that a ball of precision, recall, density and coverage reaches to.
        permutations: exchanges of the kernel distance's test.
        tolerance: what may be lost of precision, of coverage and of the Vendi score against training images.
        shift: share of images that, all made one typical image, would shift the law as much as is tolerated.
        alpha: significance asked of a shift.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "fidelity"
    question: ClassVar[str] = "Do its images, as a set, come near to real ones?"
    position: ClassVar[int] = 3

    samples: int = 5_000
    neighbors: Annotated[int, Field(ge=1, le=FEWEST // 4)] = 5
    permutations: Annotated[int, Field(ge=19)] = 499
    tolerance: float = 0.2
    shift: float = 0.1
    alpha: float = 0.05
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator, held-out images to compare with, and training images as the null."""
        if subject.model is None:
            return "there is no generator; give one with --generator"
        for name, flag, images in (("training", "--train", subject.train), ("held-out", "--heldout", subject.heldout)):
            count = 0 if images is None else len(images)
            if count < FEWEST:
                return f"{count} {name} images are too few to compare sets; give at least {FEWEST} with {flag}"
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Score generated and training images against held-out ones."""
        from didlearn.checks.fidelity.run import run_fidelity

        return run_fidelity(self, subject, rng)
