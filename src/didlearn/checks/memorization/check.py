"""Does the generator copy its training set?

Four answers, each against what independent held-out images do: the share of samples within the copy threshold of a
training image; the data-copying test of Meehan, Chaudhuri & Dasgupta (2020) on distances to the nearest training
image; authenticity (after Alaa et al. 2022); and whether samples are nearer to training images than to as many
held-out ones, which no blur can fake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from didlearn.audit.check import Check, register

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

FEWEST = 20


@register
@dataclass(frozen=True)
class Memorization(Check):
    """Copies of training images, and what is too near to them.

    Attributes:
        samples: images drawn from the generator, and at most as many held-out ones.
        tolerance: the share of copies that is still no copying.
        alpha: significance at which the data-copying test and the training preference, together, are a failure.
        false_copies: share of independent held-out images the calibrated threshold may call copies.
        threshold: distance at or below which an image is a copy; calibrated when ``None``.
        cells: k-means cells of the training set in the data-copying test.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "memorization"
    question: ClassVar[str] = "Does the generator copy its training set?"
    position: ClassVar[int] = 2

    samples: int = 10_000
    tolerance: float = 0.01
    alpha: float = 0.01
    false_copies: float = 0.001
    threshold: float | None = None
    cells: int = 20
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator, its training images, and held-out ones as the null."""
        if subject.model is None:
            return "there is no generator; give one with --generator"
        if subject.train is None or len(subject.train) < 2:
            return "there are no training images; give them with --train"
        if subject.heldout is None or len(subject.heldout) < FEWEST:
            count = 0 if subject.heldout is None else len(subject.heldout)
            return (
                f"{count} held-out images are too few to read distances against; give at least {FEWEST} with --heldout"
            )
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Find everyone's nearest training image, and compare generated with held-out images."""
        from didlearn.checks.memorization.run import run_memorization

        return run_memorization(self, subject, rng)
