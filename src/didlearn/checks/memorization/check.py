"""Does the generator copy its training set?

Four answers, each against what independent held-out images do: the share of samples within the copy threshold of a
training image; the data-copying test of Meehan, Chaudhuri & Dasgupta (2020) on distances to the nearest training
image; authenticity (after Alaa et al. 2022); and whether samples are nearer to training images than to as many
held-out ones, which no blur can fake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator

from didlearn.audit.check import Better, Check, Confidence, parameter, register
from didlearn.audit.method import Method
from didlearn.naming import option

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

FEWEST_SEARCHED = 20


def _none_or_enough(aligned: int) -> int:
    if aligned < 0 or 0 < aligned < FEWEST_SEARCHED:
        raise ValueError(f"give 0, for none, or at least {FEWEST_SEARCHED}")
    return aligned


@register
@dataclass(frozen=True)
class Memorization(Check):
    """Copies of training images, and what is too near to them."""

    name: ClassVar[str] = "memorization"
    question: ClassVar[str] = "Does the generator copy its training set?"
    position: ClassVar[int] = 2
    summary: ClassVar[str] = "Does it copy its training set? The memorization check alone."
    method: ClassVar[Method] = Method(
        "Copying was tested by distances to the nearest training image, of generated against held-out images",
        ("meehan2020",),
        {"authenticity": "alaa2022", "closer_than": "delong1988"},
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "copied_fraction": "share of samples that match a training image, in disguise or not, beyond held-out images'",
        "aligned_fraction": "the same by lining up alone: copies in disguise, and what natural twins leave open",
        "copied_fraction_heldout": "that share of held-out images",
        "certain_copies": "share that is nearer than the mildest change, or a training image but for lossless changes",
        "copied_by_authenticity": "the share of copies that authenticity amounts to, a second route to the same",
        "exact_copies": "share of samples that are a training image to the last bit",
        "heldout_copies": "share of samples that are a held-out image to the last bit, beyond that of training images",
        "copy_threshold": "distance at or below which an image is called a copy",
        "data_copying[_pvalue]": "Meehan et al.'s z of distances to the training set, and its p-value",
        "closer_than_heldout": "chance that a generated image is nearer to the training set than a held-out one",
        "authenticity[_heldout]": "share of images farther from their nearest training image than that is from another",
        "training_preference[_pvalue]": "share of samples whose nearest real image is a training one, and its p-value",
        "training_preference_expected": "the training images' share of the pool",
        "match_preference[_pvalue]": "the same among samples within the copy threshold of a real image",
    }
    named: ClassVar[Mapping[str, str]] = {
        "copied_fraction": "Share of copies",
        "aligned_fraction": "Share of copies by lining up",
        "copied_fraction_heldout": "Share of held-out images as close to a training image",
        "certain_copies": "Share of certain copies",
        "copied_by_authenticity": "Share of copies by authenticity",
        "exact_copies": "Share of exact copies",
        "heldout_copies": "Share of held-out images among the samples",
        "copy_threshold": "Distance of a copy",
        "data_copying": "Data-copying test, z",
        "data_copying_pvalue": "Data-copying test, p-value",
        "closer_than_heldout": "Chance of lying nearer to training images than a held-out image",
        "training_preference": "Samples whose nearest real image is a training image",
        "match_preference": "Matches of real images that are training images",
    }
    better: ClassVar[Mapping[str, Better]] = {
        "copied_fraction": "less",
        "exact_copies": "less",
        "certain_copies": "less",
        "heldout_copies": "less",
        "authenticity": "same",
        "training_preference": "same",
    }

    samples: int = parameter(10_000, "Images drawn from the generator, and at most as many held-out ones.")
    tolerance: float = parameter(0.001, "The share of copies that is still no copying.")
    alpha: float = parameter(0.01, "Significance of the data-copying test and the training preference, together.")
    false_copies: float = parameter(
        5e-5, "Share of independent held-out images that the calibrated threshold may call copies."
    )
    aligned: Annotated[int, AfterValidator(_none_or_enough)] = parameter(
        4_000, "Samples, held-out and training images, of each at most, looked at for copies in disguise; 0: none."
    )
    threshold: float | None = parameter(None, "Distance of a copy, instead of any other rule (default: calibrated).")
    cells: int = parameter(20, "K-means cells of the training set in the data-copying test.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator, its training images, and held-out ones as the null."""
        if subject.model is None:
            return f"there is no generator; give one with {option('generator')}"
        if subject.train is None:
            return f"there are no training images; give them with {option('train')}"
        if len(subject.train) < 2:
            return (
                f"there is {len(subject.train)} training image, and 2 are the fewest; give more with {option('train')}"
            )
        if subject.heldout is None or len(subject.heldout) < FEWEST_SEARCHED:
            count = 0 if subject.heldout is None else len(subject.heldout)
            more = f"give at least {FEWEST_SEARCHED} with {option('heldout')}"
            return f"{count} held-out images are too few to read distances against; {more}"
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Find everyone's nearest training image, and compare generated with held-out images."""
        from didlearn.checks.memorization.run import run_memorization

        return run_memorization(self, subject, rng)
