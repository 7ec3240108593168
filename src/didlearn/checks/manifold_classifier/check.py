"""Does distance from the manifold tell classes apart, and outside images from real ones?

Friedman & Weiss (2024): if a conditional generator had learned its classes, an image should lie nearest to the
manifold of its own class; and images of another kind should lie far from all of them. Beside each answer stand those
of trivial scores: a surprise shared by a baseline is about the images, not the generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
from didlearn.checks.groups import heldout_images, outside_pixels, pixels
from didlearn.checks.inverting import Effort, find
from didlearn.checks.manifold_classifier.measure import baselines, classified
from didlearn.checks.manifold_classifier.outliers import outlier_parts, scores
from didlearn.checks.manifold_classifier.page import roc_figure
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_FEWEST = 8


@register
@dataclass(frozen=True)
class ManifoldClassifier(Check):
    """Classes and outliers by distance from the manifold.

    Attributes:
        images: held-out ones, and of each outside set, that are inverted.
        draws, starts, rounds: effort of the search, as in ``inversion``.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "manifold_classifier"
    question: ClassVar[str] = "Does distance from its manifold tell classes and outside images?"
    position: ClassVar[int] = 5

    images: int = 40
    draws: int = 500
    starts: int = 16
    rounds: int = 5
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a latent model, real images, and classes or outside data to tell apart."""
        if subject.model is None:
            return "there is no generator; give one with --generator"
        if not isinstance(subject.model, LatentModel):
            return f"{subject.model.name} has no latent to search: inversion needs a model file, not samples"
        if subject.train is None or subject.heldout is None or min(len(subject.train), len(subject.heldout)) < _FEWEST:
            return f"there are too few real images; give at least {_FEWEST} with --train and with --heldout"
        if not self._has_classes(subject) and not outside_pixels(subject, 1):
            return (
                "there is nothing to tell apart; give labelled images for a class-conditional generator, or another "
                "data set of the same shape with --outside NAME=SPEC"
            )
        return None

    @one_thread()
    def run(self, subject: Subject, rng: Stream) -> CheckResult:  # noqa: ARG002 (all randomness is the search's own)
        """Invert held-out and outside images, and score them."""
        assert subject.train is not None
        fault = find_fault(subject.draw(_FEWEST), subject.train.shape, _FEWEST)
        if fault is not None:
            return fault.result(self.name)
        effort = Effort(self.draws, self.starts, self.rounds)
        heldout = heldout_images(subject, self.images)
        inside = pixels(heldout)
        found = find(subject, "held-out", inside, effort)
        parts, said = Parts(notes=subject.left_out), []
        if self._has_classes(subject) and found.class_error is not None and heldout.labels is not None:
            classes, sentence = classified(found.class_error, heldout.labels, baselines(subject, inside), self.level)
            parts += classes
            said.append(sentence)
        outside = outside_pixels(subject, self.images)
        if outside:
            errors = {name: find(subject, name, images, effort).error for name, images in outside.items()}
            others = {name: scores(subject, images, errors[name]) for name, images in outside.items()}
            outliers, sentence = outlier_parts(scores(subject, inside, found.error), others, self.level)
            parts += outliers + Parts(figures=(roc_figure(found.error, errors),))
            said.append(sentence)
        reason = "there is no agreed level for it; the baselines beside it are what it is read against"
        return CheckResult(check=self.name, verdict="measured", reason=reason, answer=" ".join(said), **parts.fields())

    def _has_classes(self, subject: Subject) -> bool:
        assert subject.model is not None
        real = (subject.train, subject.heldout)
        return subject.model.classes is not None and all(r is not None and r.labels is not None for r in real)
