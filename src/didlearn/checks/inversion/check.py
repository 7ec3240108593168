"""Can the generator make the images it was trained on?

Friedman & Weiss (2024) and Pinetz, Soukup & Pock (2019) invert the generator: an image is on its manifold if some
latent decodes to it. Whether a large distance means that, or that the search failed, is what the controls decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
from didlearn.checks.groups import image_groups
from didlearn.checks.inversion.controls import run_controls
from didlearn.checks.inversion.measure import baseline_parts, control_parts, error_parts, likely_parts, manifold_parts
from didlearn.checks.inversion.page import effort_figure, error_figure, triptychs
from didlearn.checks.inversion.verdict import judge_inversion
from didlearn.checks.inverting import Effort
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_FEWEST = 8


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
        if subject.model is None:
            return "there is no generator; give one with --generator"
        if not isinstance(subject.model, LatentModel):
            return f"{subject.model.name} has no latent to search: inversion needs a model file, not samples"
        if subject.train is None or len(subject.train) < _FEWEST:
            return f"there are too few training images; give at least {_FEWEST} with --train"
        return None

    @one_thread()
    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Invert every group and the controls, and compare."""
        assert subject.train is not None
        fault = find_fault(subject.draw(self.images), subject.train.shape, _FEWEST)
        if fault is not None:
            return fault.result(self.name)
        effort = Effort(self.draws, self.starts, self.rounds)
        groups = image_groups(subject, self.images, effort, self.published, rng)
        controls = run_controls(subject, groups["train"], self.images, effort, self.published, rng, self.level)
        numbers = error_parts(groups, rng, self.level) + likely_parts(subject, groups["train"], effort, self.level)
        numbers += manifold_parts(groups, controls, self.level)
        limit = numbers.estimates["own_error_limit"].value or 0.0
        pictures = Parts(
            figures=(
                error_figure(groups, controls.found.error, limit),
                effort_figure(groups, ("train", "held-out", "generated")),
            ),
            galleries=(triptychs(groups),),
            notes=subject.left_out,
            arrays={f"{name}_error": group.found.error for name, group in groups.items()}
            | {"train_latent": groups["train"].found.latent},
        )
        parts = numbers + control_parts(controls) + baseline_parts(subject, groups, self.level) + pictures
        decision = judge_inversion(
            parts.estimates, self.required, self.tolerance, self.alpha, honest=not subject.split_off
        )
        return CheckResult(check=self.name, **decision._asdict(), **parts.fields())
