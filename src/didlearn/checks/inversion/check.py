"""Can the generator make the images it was trained on?

Friedman & Weiss (2024) and Pinetz, Soukup & Pock (2019) invert the generator: an image is on its manifold if some
latent decodes to it. Whether a large distance means that, or that the search failed, is what the controls decide.
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
class InversionCheck(Check):
    """The distance of images from the generator's manifold, with every control.

    Attributes:
        images: of each group that are inverted (half as many for shifted images and noise).
        draws, starts, rounds: effort of the search: prior draws, starts among them, rounds of restarts.
        published: whether the published protocol is run beside it.
        required: share of planted images that must be found for an error to mean anything.
        tolerance: share of training images that may lie beyond the generator's own images.
        alpha: significance at which training images count as recovered better than held-out ones.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "inversion"
    question: ClassVar[str] = "Can the generator make the images it was trained on?"
    position: ClassVar[int] = 4

    images: int = 40
    draws: int = 500
    starts: int = 16
    rounds: int = 5
    published: bool = True
    required: float = 0.95
    tolerance: float = 0.5
    alpha: float = 0.01
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a model whose latent can be set, and training images."""
        from didlearn.models.base import LatentModel

        if subject.model is None:
            return "there is no generator; give one with --generator"
        if not isinstance(subject.model, LatentModel):
            return f"{subject.model.name} has no latent to search: inversion needs a model file, not samples"
        if subject.train is None or len(subject.train) < FEWEST:
            return f"there are too few training images; give at least {FEWEST} with --train"
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Invert every group and the controls, and compare."""
        from didlearn.checks.inversion.run import run_inversion

        return run_inversion(self, subject, rng)
