"""Does distance from the manifold tell classes apart, and outside images from real ones?

Friedman & Weiss (2024): if a conditional generator had learned its classes, an image should lie nearest to the
manifold of its own class; and images of another kind should lie far from all of them. Beside each answer stand those
of trivial scores: a surprise shared by a baseline is about the images, not the generator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from didlearn.audit.check import Better, Check, Confidence, parameter, register
from didlearn.audit.method import Method
from didlearn.naming import option

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

FEWEST_CLASSIFIED = 8


@register
@dataclass(frozen=True)
class ManifoldClassifier(Check):
    """Classes and outliers by distance from the manifold."""

    name: ClassVar[str] = "manifold_classifier"
    question: ClassVar[str] = "Does distance from its manifold tell classes and outside images?"
    position: ClassVar[int] = 5
    summary: ClassVar[str] = "Does distance from its manifold tell classes and outside images? That check alone."
    judged: ClassVar[bool] = False
    method: ClassVar[Method] = Method(
        "Images were classified, and outside ones looked for, by their distance from what the generator makes",
        ("friedman2024",),
        {"auroc": "delong1988"},
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "manifold_accuracy": "share whose nearest class manifold is their own",
        "neighbour_accuracy": "the same for the nearest training image",
        "linear_accuracy": "for logistic regression on pixels",
        "subspace_accuracy": "for the nearest linear subspace, one a class",
        "mean_accuracy": "for the nearest class mean",
        "chance": "what guessing among the classes tried would get",
        "auroc_{group}": "chance that an outside image lies farther from the manifold than a held-out one",
        "auroc_{group}_subspace": "the same for the distance from the best linear subspace",
        "auroc_{group}_neighbour": "for the distance from the nearest training image",
        "auroc_{group}_local_variance": "for the mean variance within 8×8 patches",
        "auroc_{group}_contrast": "for the variance of all pixels",
    }
    named: ClassVar[Mapping[str, str]] = {
        "manifold_accuracy": "Accuracy of the nearest class manifold",
        "neighbour_accuracy": "Accuracy of the nearest training image",
        "linear_accuracy": "Accuracy of logistic regression",
        "subspace_accuracy": "Accuracy of the nearest linear subspace",
        "mean_accuracy": "Accuracy of the nearest class mean",
        "chance": "Accuracy of guessing",
        "auroc_{group}_subspace": "AUROC of {group}, distance from the best subspace",
        "auroc_{group}_neighbour": "AUROC of {group}, distance from the nearest training image",
        "auroc_{group}_local_variance": "AUROC of {group}, variance within patches",
        "auroc_{group}_contrast": "AUROC of {group}, variance of all pixels",
        "auroc_{group}": "AUROC of {group}, distance from the manifold",
    }
    efforts: ClassVar[Sequence[Mapping[str, int]]] = (
        {"images": 8, "starts": 4, "rounds": 0},
        {"images": 16, "starts": 8, "rounds": 1},
        {"images": 24, "starts": 16, "rounds": 2},
        {"images": 40, "starts": 16, "rounds": 3},
    )
    better: ClassVar[Mapping[str, Better]] = {
        "manifold_accuracy": "more",
    }

    images: int = parameter(40, "Images inverted: held-out ones, and of each outside set.")
    draws: int = parameter(500, "Prior draws that the search looks at.")
    starts: int = parameter(16, "Starts of the search among them.")
    rounds: int = parameter(5, "Rounds of restarts.")
    candidates: int = parameter(10, "Classes that each image is inverted under, its own and others drawn by chance.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a latent model, real images, and classes or outside data to tell apart."""
        from didlearn.checks.groups import outside_pixels
        from didlearn.checks.image_classes import missing_classes
        from didlearn.models.base import LatentModel

        if subject.model is None:
            return f"there is no generator; give one with {option('generator')}"
        if not isinstance(subject.model, LatentModel):
            return f"{subject.model.name} has no latent to search: inversion needs a model file, not samples"
        if (
            subject.train is None
            or subject.heldout is None
            or min(len(subject.train), len(subject.heldout)) < FEWEST_CLASSIFIED
        ):
            both = f"{option('train')} and with {option('heldout')}"
            return f"there are too few real images; give at least {FEWEST_CLASSIFIED} with {both}"
        unknown = missing_classes(subject, every=self.candidates >= (subject.model.classes or 1))
        if unknown is not None:
            return unknown
        if not has_classes(subject) and not outside_pixels(subject, 1):
            other = option("outside", "{NAME: SPEC}", "NAME=SPEC")
            return (
                "there is nothing to tell apart; give labelled images for a class-conditional generator, or another "
                f"data set of the same shape and at least 2 images with {other}"
            )
        return None

    def passes(self, subject: Subject) -> float:
        """Return about how many passes the groups take, those under each class where there are classes."""
        from didlearn.checks.inverting import SearchEffort, passes_of_inversion
        from didlearn.checks.latents.encoding import every_image_lies_on_it, passes_of_encoding

        if every_image_lies_on_it(subject):
            return self.images * (1 + len(subject.comparable)) * passes_of_encoding(subject)
        assert subject.model is not None
        each = passes_of_inversion(subject, SearchEffort(self.draws, self.starts, self.rounds))
        return self.images * (1 + len(subject.comparable)) * each * min(self.candidates, subject.model.classes or 1)

    def run(self, subject: Subject, rng: Stream) -> CheckResult:  # noqa: ARG002 (all randomness is the search's own)
        """Invert held-out and outside images, and score them."""
        from didlearn.checks.manifold_classifier.run import run_manifold_classifier

        return run_manifold_classifier(self, subject)


def has_classes(subject: Subject) -> bool:
    """Return whether the model has classes, and the real images have labels to hold against them."""
    assert subject.model is not None
    real = (subject.train, subject.heldout)
    return subject.model.classes is not None and all(r is not None and r.labels is not None for r in real)
