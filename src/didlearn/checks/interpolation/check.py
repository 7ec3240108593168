"""How do its images change on a walk between two latents?

The look that people trust first (Arora et al. 2018, section 1, speak of it): images between two latents. Here the
walks are measured too: how long they are in the embedding beside distances between real images, how much of a detour,
and whether they go in even steps or jump.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from didlearn.audit.check import Check, Confidence, parameter, register
from didlearn.audit.method import Method
from didlearn.naming import option

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream


@register
@dataclass(frozen=True)
class Interpolation(Check):
    """Walks between latents: their pictures, their length, and their steps."""

    name: ClassVar[str] = "interpolation"
    question: ClassVar[str] = "How do its images change on a walk between two latents?"
    position: ClassVar[int] = 10
    judged: ClassVar[bool] = False
    summary: ClassVar[str] = "How do its images change from latent to latent? Walks, looked at and measured."
    method: ClassVar[Method] = Method(
        "Straight and spherical walks between latents were measured in the embedding, beside distances between real "
        "images",
        ("arora2018",),
        {"path_length_spherical": "white2016", "perceptual": "karras2019"},
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "end_distance": "mean distance of a walk's ends, over that of two real images",
        "path_length_straight": "mean length of a straight walk, over the mean distance of two real images",
        "path_length_spherical": "the same of a spherical walk",
        "path_length_fade": "the same of cross-fades between two real images",
        "detour_straight": "mean length of a straight walk over the distance of its ends",
        "detour_spherical": "the same of a spherical walk",
        "detour_fade": "the same of cross-fades between two real images",
        "largest_step_straight": "mean share of a straight walk that its largest step is",
        "largest_step_spherical": "the same of a spherical walk",
        "largest_step_fade": "the same of cross-fades between two real images",
        "perceptual_path_length": "mean squared distance of a small step over its square",
    }
    named: ClassVar[Mapping[str, str]] = {
        "end_distance": "Distance of a walk's ends, over real images'",
        "path_length_straight": "Length of a straight walk, over real images' distance",
        "path_length_spherical": "Length of a spherical walk, over real images' distance",
        "path_length_fade": "Length of a cross-fade of real images, over their distance",
        "detour_straight": "Detour of a straight walk",
        "detour_spherical": "Detour of a spherical walk",
        "detour_fade": "Detour of a cross-fade of real images",
        "largest_step_straight": "Largest step of a straight walk",
        "largest_step_spherical": "Largest step of a spherical walk",
        "largest_step_fade": "Largest step of a cross-fade of real images",
        "perceptual_path_length": "Perceptual path length, in this embedding",
    }

    walks: Annotated[int, Field(ge=2)] = parameter(32, "Pairs of latents that are walked between.")
    steps: Annotated[int, Field(ge=2)] = parameter(16, "Steps of each walk.")
    pairs: Annotated[int, Field(ge=2)] = parameter(500, "Pairs of real images whose distance is taken, at most.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator whose latent can be set, of images that depend on nothing else."""
        from didlearn.models.base import LatentModel

        if subject.model is None:
            return f"there is no generator; give one with {option('generator')}"
        if not isinstance(subject.model, LatentModel):
            return f"{subject.model.name} has no latent: a walk needs a model file, not samples"
        if subject.model.coupled:
            return f"an image of {subject.model.name} depends on the latents that are decoded beside it"
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Walk, look and measure."""
        from didlearn.checks.interpolation.run import run_interpolation

        return run_interpolation(self, subject, rng)
