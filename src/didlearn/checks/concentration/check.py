"""Is the generator the kind of model that the theorem speaks of?

Seddik et al. (2020) prove that features behave like Gaussian ones for Lipschitz generators of Gaussian latents, whose
observables fluctuate as little as a Gaussian's whatever the dimension. Both are measured: the Lipschitz constant
between an upper and a lower bound, and the fluctuations beside those of Gaussian features with the same moments.
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
class Concentration(Check):
    """The Lipschitz constant, and how observables of features fluctuate."""

    name: ClassVar[str] = "concentration"
    question: ClassVar[str] = "Is it the kind of generator whose features concentrate?"
    position: ClassVar[int] = 9
    summary: ClassVar[str] = "Is it Lipschitz, and do its features concentrate? That check alone."
    judged: ClassVar[bool] = False
    method: ClassVar[Method] = Method(
        "The generator's Lipschitz constant was bounded from both sides, and fluctuations of its features were "
        "compared with a Gaussian's",
        ("seddik2020",),
        {"lipschitz": "sedghi2019"},
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "lipschitz": "the greatest spectral norm found, up to the upper bound",
        "lipschitz_typical": "median spectral norm at prior draws",
        "fluctuation_norm[_heldout]": "variance of the distance from the mean, over that of Gaussian features",
        "fluctuation_distance[_heldout]": "of the distance from another image",
        "fluctuation_greatest[_heldout]": "of the greatest of sixteen random projections",
        "fluctuation_absolute[_heldout]": "of Σ |x_i| / √p",
        "quadratic_ratio[_whitened][_heldout]": "r_Q in all dimensions",
        "quadratic_slope[_whitened][_heldout]": "slope of log r_Q against log dimension",
        "spread[_heldout]": "standard deviation along the widest direction",
        "effective_dimension[_heldout]": "tr Σ / λ₁",
    }
    named: ClassVar[Mapping[str, str]] = {
        "lipschitz": "Lipschitz constant",
        "lipschitz_typical": "Steepest slope at a typical latent",
        "fluctuation_norm": "Variance of the distance from the mean, over a Gaussian's",
        "fluctuation_distance": "Variance of the distance between images, over a Gaussian's",
        "fluctuation_greatest": "Variance of the greatest projection, over a Gaussian's",
        "fluctuation_absolute": "Variance of the mean absolute feature, over a Gaussian's",
        "quadratic_ratio": "Variance of ‖x‖² over a Gaussian's",
        "quadratic_ratio_whitened": "Variance of the whitened ‖x‖² over a Gaussian's",
        "quadratic_slope": "Growth of the variance of ‖x‖² with the dimension",
        "quadratic_slope_whitened": "Growth of the variance of the whitened ‖x‖² with the dimension",
        "spread": "Spread along the widest direction",
    }

    samples: int = parameter(10_000, "Images drawn from the generator, and at most as many held-out ones.")
    tested: Annotated[int, Field(ge=8)] = parameter(
        500, "Rows that observables are taken of, the same number of both kinds."
    )
    dimension: Annotated[int, Field(ge=4)] = parameter(
        256, "Features are projected at random to this many where there are more."
    )
    draws: Annotated[int, Field(ge=8)] = parameter(64, "Prior draws at which the Jacobian's norm is taken.")
    starts: Annotated[int, Field(ge=1)] = parameter(8, "How many of the steepest are followed uphill.")
    steps: Annotated[int, Field(ge=0)] = parameter(30, "How far they are followed.")
    replicates: Annotated[int, Field(ge=19)] = parameter(99, "Gaussian replicates that variances are compared with.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator."""
        return f"there is no generator; give one with {option('generator')}" if subject.model is None else None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Bound the constant from both sides, and compare fluctuations."""
        from didlearn.checks.concentration.run import run_concentration

        return run_concentration(self, subject, rng)
