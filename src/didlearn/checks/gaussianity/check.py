"""May features of generated images be treated as Gaussian?

Seddik et al. (2020): features of GAN images behave, for methods that rest on Gram matrices, like a Gaussian mixture
with the same class means and covariances. Where they do, two moments (and so the Fréchet distance, linear probes,
spectral clustering) say all; where they do not, such scores mislead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from didlearn.audit.check import Check, register

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream


def _named(value: Any) -> Any:
    """Take ``a,b`` as well as a list: what a flag can hold."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


@register
@dataclass(frozen=True)
class Gaussianity(Check):
    """Features against Gaussian mixtures with the same moments.

    Attributes:
        samples: images drawn from the generator, and at most as many held-out ones.
        tested: rows of the Gram matrix, the same number of both kinds.
        dimension: features are projected at random to this many where there are more.
        embeddings: further embeddings to repeat everything in.
        replicates: Gaussian replicates that each test compares with.
        alpha: significance of the four tests together.
        tolerance: shift of the spectrum's upper edge that is still described by two moments.
        fluctuation: how many times a Gaussian's the variance of ‖x‖² may be.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "gaussianity"
    question: ClassVar[str] = "May its features be treated as Gaussian?"
    position: ClassVar[int] = 8

    samples: int = 10_000
    tested: Annotated[int, Field(ge=8)] = 500
    dimension: Annotated[int, Field(ge=4)] = 256
    embeddings: Annotated[tuple[str, ...], BeforeValidator(_named)] = ()
    replicates: Annotated[int, Field(ge=19)] = 99
    alpha: float = 0.05
    tolerance: float = 0.1
    fluctuation: float = 3.0
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator."""
        return "there is no generator; give one with --generator" if subject.model is None else None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Test generated and held-out features, in every embedding."""
        from didlearn.checks.gaussianity.run import run_gaussianity

        return run_gaussianity(self, subject, rng)
