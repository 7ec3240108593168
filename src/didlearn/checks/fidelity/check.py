"""Do its images, as a set, come near to real ones?

The scores that the field reports (Fréchet and kernel distance, precision, recall, density, coverage, Vendi score; for
those who ask CMMD, MIND, sFID and the Inception Score), each with its error, and each beside what as many training
images score in the place of the generated ones: a perfect generator could do no better, and at finite numbers of images
that is not zero and not one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from didlearn.audit.check import Better, Check, Confidence, parameter, register
from didlearn.audit.method import Method
from didlearn.naming import option

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

FEWEST_COMPARED = 40


@register
@dataclass(frozen=True)
class Fidelity(Check):
    """Generated against held-out images, as sets, in the subject's embedding."""

    name: ClassVar[str] = "fidelity"
    question: ClassVar[str] = "Do its images, as a set, come near to real ones?"
    position: ClassVar[int] = 3
    summary: ClassVar[str] = "Do its images, as a set, come near to real ones? FID, KID, precision, recall and others."
    method: ClassVar[Method] = Method(
        "Generated and real features were compared by distances and by nearest neighbours",
        further={
            "frechet": "heusel2017",
            "kernel": "binkowski2018",
            "precision": "kynkaanniemi2019",
            "density": "naeem2020",
            "vendi": "friedman2023",
            "inception": "salimans2016",
            "cmmd": "jayasumana2024",
            "mind": "berthet2026",
            "spatial": "nash2021",
        },
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "frechet_distance[_train]": "squared, in the features' units; of training images too, as in every pair below",
        "frechet_distance_statistics[_heldout]": "from the moments of --train-statistics",
        "frechet_excess": "how far the first exceeds the second",
        "kernel_distance[_train]": "unbiased squared maximum mean discrepancy",
        "kernel_shift[_train]": "the root of its share of the real images' spread",
        "kernel_pvalue[_train]": "its p-value under exchange with held-out images",
        "precision[_train]": "share of the images within balls of held-out ones",
        "precision_gap": "training images' precision less generated ones'",
        "recall[_train]": "share of held-out images within balls of these images",
        "recall_gap": "the same difference of recall",
        "density[_train]": "balls of held-out images that one lies in, over the number of neighbours",
        "density_gap": "the same difference of density",
        "coverage[_train]": "share of the balls of held-out images that hold one",
        "coverage_gap": "the same difference of coverage",
        "vendi_score[_train]": "how many different images they amount to",
        "vendi_ratio": "generated images' Vendi score over training images'",
        "inception_score[_heldout]": "how surely a classifier names many classes; of as many held-out images too",
        "cmmd[_train]": "1000 times the unbiased discrepancy of a Gaussian kernel, features of length 1",
        "mind[_train]": "sliced squared Wasserstein distance, times three times the number of features",
        "spatial_frechet_distance[_train]": "Fréchet distance of feature maps: sFID with inception",
        "spatial_frechet_distance_statistics[_heldout]": "sFID from the moments of --train-statistics",
        "fine_detail": "fine detail (mean squared Laplacian) over held-out images': below 1 blur, above 1 noise",
        "brightness_shift": "how much brighter than held-out images, in standard deviations of theirs",
        "class_share_{group}": "a class's share of generated images over its share of training images",
    }
    named: ClassVar[Mapping[str, str]] = {
        "frechet_distance": "Fréchet distance",
        "frechet_distance_statistics": "Fréchet distance from the statistics file",
        "frechet_excess": "Fréchet distance beyond training images'",
        "kernel_shift": "Kernel distance as a share of real images' spread",
        "kernel_pvalue": "Kernel distance, p-value",
        "precision_gap": "Precision against training images'",
        "recall_gap": "Recall against training images'",
        "density_gap": "Density against training images'",
        "coverage_gap": "Coverage against training images'",
        "vendi_ratio": "Vendi score over training images'",
        "inception_score": "Inception Score",
        "cmmd": "CMMD",
        "mind": "MIND",
        "spatial_frechet_distance": "Fréchet distance of feature maps (sFID)",
        "spatial_frechet_distance_statistics": "Fréchet distance of feature maps from the statistics file",
        "fine_detail": "Fine detail over held-out images'",
        "brightness_shift": "Brightness against held-out images'",
        "class_share_{group}": "Class {group}, over its share of training images",
    }
    better: ClassVar[Mapping[str, Better]] = {
        "precision": "more",
        "coverage": "more",
        "recall": "more",
        "fine_detail": "one",
        "frechet_distance": "less",
        "frechet_distance_statistics": "less",
        "frechet_excess": "zero",
        "kernel_distance": "less",
        "kernel_shift": "less",
        "precision_gap": "zero",
        "recall_gap": "zero",
        "coverage_gap": "zero",
        "density": "one",
        "density_gap": "zero",
        "vendi_score": "same",
        "vendi_ratio": "one",
        "inception_score": "same",
        "cmmd": "less",
        "mind": "less",
        "spatial_frechet_distance": "less",
        "spatial_frechet_distance_statistics": "less",
        "brightness_shift": "zero",
        "class_share_{group}": "one",
    }

    samples: int = parameter(5_000, "Images drawn from the generator; at most as many held-out and training ones.")
    neighbors: Annotated[int, Field(ge=1, le=FEWEST_COMPARED // 4)] = parameter(
        5, "The neighbour that a ball of precision, recall, density and coverage reaches to."
    )
    permutations: Annotated[int, Field(ge=19)] = parameter(499, "Exchanges of the kernel distance's test.")
    tolerance: float = parameter(
        0.2, "What may be lost of precision, coverage and Vendi score against training images."
    )
    shift: float = parameter(
        0.1, "Share of images that, all made one typical image, would shift the law as much as is tolerated."
    )
    alpha: float = parameter(0.05, "Significance asked of a shift.")
    detail: Annotated[float, Field(gt=1)] = parameter(1.5, "Times more or less fine detail than held-out images have.")
    brightness: Annotated[float, Field(gt=0)] = parameter(0.5, "Standard deviations brighter or darker than they are.")
    starved: Annotated[float, Field(gt=0, lt=1)] = parameter(0.5, "Share of its share that every class must have.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator, held-out images to compare with, and training images as the null.

        Where statistics of training images are given, a generator is enough for the distance from them.
        """
        if subject.model is None:
            return f"there is no generator; give one with {option('generator')}"
        if subject.statistics is not None and (subject.train is None or subject.heldout is None):
            return None
        for name, given, images in (("training", "train", subject.train), ("held-out", "heldout", subject.heldout)):
            count = 0 if images is None else len(images)
            if count < FEWEST_COMPARED:
                more = f"give at least {FEWEST_COMPARED} with {option(given)}"
                return f"{count} {name} images are too few to compare sets; {more}"
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Score generated and training images against held-out ones."""
        from didlearn.checks.fidelity.run import run_fidelity

        return run_fidelity(self, subject, rng)
