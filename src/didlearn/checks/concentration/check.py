"""Is the generator the kind of model that the theorem speaks of?

Seddik et al. (2020) prove that features behave like Gaussian ones for Lipschitz generators of Gaussian latents, whose
observables fluctuate as little as a Gaussian's whatever the dimension. Both are measured: the Lipschitz constant
between an upper and a lower bound, and the fluctuations beside those of Gaussian features with the same moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
from didlearn.checks.concentration.lipschitz import lower_bound, upper_bound
from didlearn.checks.concentration.measure import fluctuation_parts, lipschitz_parts, said
from didlearn.checks.feature_groups import FEWEST, OWN, feature_groups
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream


@register
@dataclass(frozen=True)
class Concentration(Check):
    """The Lipschitz constant, and how observables of features fluctuate.

    Attributes:
        samples: images drawn from the generator, and at most as many held-out ones.
        tested: rows that observables are taken of, the same number of both kinds.
        dimension: features are projected at random to this many where there are more.
        draws: prior draws at which the Jacobian's norm is taken.
        starts, steps: how many of the steepest are followed uphill, and how far.
        replicates: Gaussian replicates that variances are compared with.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "concentration"
    question: ClassVar[str] = "Is it the kind of generator whose features concentrate?"
    position: ClassVar[int] = 9

    samples: int = 10_000
    tested: Annotated[int, Field(ge=8)] = 500
    dimension: Annotated[int, Field(ge=4)] = 256
    draws: Annotated[int, Field(ge=8)] = 64
    starts: Annotated[int, Field(ge=1)] = 8
    steps: Annotated[int, Field(ge=0)] = 30
    replicates: Annotated[int, Field(ge=19)] = 99
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator."""
        return "there is no generator; give one with --generator" if subject.model is None else None

    @one_thread()
    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Bound the constant from both sides, and compare fluctuations."""
        drawn = subject.draw(self.samples)
        fault = find_fault(drawn, None if subject.heldout is None else subject.heldout.shape, FEWEST)
        if fault is not None:
            return fault.result(self.name)
        subject.progress(self.name, 0, 2)
        parts, why = self._constant(subject, rng)
        subject.progress(self.name, 1, 2)
        parts += self._fluctuations(subject, rng)
        subject.progress(self.name, 2, 2)
        if not parts.estimates:
            reason = "there is no latent to change, and the features of its images do not vary"
            return CheckResult(check=self.name, verdict="inconclusive", reason=reason, answer=f"Open: {reason}.")
        parts += Parts(notes=(*drawn.notes, *subject.embedding.notes))
        reason = "there is no constant that a generator should have; read it beside the held-out images' numbers"
        answer = said(parts.estimates, why)
        return CheckResult(check=self.name, verdict="measured", reason=reason, answer=answer, **parts.fields())

    def _constant(self, subject: Subject, rng: Stream) -> tuple[Parts, str]:
        model = subject.model
        if not isinstance(model, LatentModel):
            return Parts(), "samples have no latent that could be changed"
        upper = upper_bound(model, subject.device)
        lower = lower_bound(model, self.draws, self.starts, self.steps, rng.child("ascent"), subject.device)
        return lipschitz_parts(upper, lower, self.level), ""

    def _fluctuations(self, subject: Subject, rng: Stream) -> Parts:
        groups = feature_groups(subject, None, self.samples, self.dimension, rng.child("rows"))
        fit = [g for g in groups.values() if len(g.features) >= FEWEST and (g.features != g.features[0]).any()]
        left = tuple(
            f"{name} images were left out: too few, or all alike." for name, g in groups.items() if g not in fit
        )
        if OWN not in [group.name for group in fit]:
            return Parts(notes=left)
        tested = min([self.tested, *(len(group.features) // 2 for group in fit)])
        return fluctuation_parts(fit, tested, self.replicates, rng, self.level) + Parts(notes=left)
