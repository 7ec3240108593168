"""May features of generated images be treated as Gaussian?

Seddik et al. (2020): features of GAN images behave, for methods that rest on Gram matrices, like a Gaussian mixture
with the same class means and covariances. Where they do, two moments (and so the Fréchet distance, linear probes,
spectral clustering) say all; where they do not, such scores mislead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator, Field

from didlearn.audit.check import Check, Confidence, parameter, register, separated
from didlearn.audit.method import Method
from didlearn.naming import option

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream


@register
@dataclass(frozen=True)
class Gaussianity(Check):
    """Features against Gaussian mixtures with the same moments."""

    name: ClassVar[str] = "gaussianity"
    question: ClassVar[str] = "May its features be treated as Gaussian?"
    position: ClassVar[int] = 8
    judged: ClassVar[bool] = False
    summary: ClassVar[str] = "May its features be treated as Gaussian? The random-matrix tests alone."
    method: ClassVar[Method] = Method(
        "The spectra of features, plain and whitened, were compared with those of a Gaussian mixture of the same "
        "moments, by rotations and by the F-matrix",
        ("langsrud2005", "mardia1970", "seddik2020", "wachter1980"),
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "gram_pvalue[_heldout]": "exact p-value of the Gram matrix's spectrum",
        "gram_effect[_heldout]": "its distance from the replicates' mean, over their own",
        "gram_edge[_heldout]": "its largest eigenvalue over the replicates', minus 1",
        "whitened_pvalue[_heldout]": "exact p-value of the whitened spectrum",
        "whitened_effect[_heldout]": "its distance over the null's",
        "whitened_edge[_heldout]": "its largest eigenvalue over the null's, minus 1",
        "whitened_edge_matched": "the same of as many generated images as are held out",
        "whitened_dimension[_heldout]": "dimensions compared",
        "radius_ratio[_heldout]": "variance of ‖x‖² about the class means over the replicates'",
        "radius_pvalue[_heldout]": "its exact p-value",
        "leverage_ratio[_heldout]": "the same of the Mahalanobis ‖x‖²",
        "leverage_pvalue[_heldout]": "its exact p-value",
        "quadratic_slope[_whitened][_heldout]": "slope of log r_Q against log dimension: 0 bounded, 1 a failure",
        "limit_distance[_heldout]": "greatest distance of the eigenvalues' distribution function from the limiting one",
        "exact_repeats[_heldout]": "images whose features are exactly an earlier image's",
        "class_alignment[_pvalue][_heldout]": "cosine between leading eigenvectors and classes, and its p-value",
        "clustering[_pvalue][_heldout]": "spectral clustering's mutual information with the classes, and its p-value",
        "ls_svm_error[_surrogate][_heldout]": "error of an LS-SVM on further images, and of the replicates",
        "ls_svm_pvalue[_heldout]": "its p-value",
        "ridge_error[_surrogate][_heldout]": "the same without an intercept",
        "ridge_pvalue[_heldout]": "its p-value",
        "softmax_error[_surrogate][_heldout]": "error of a softmax classifier on further images, and of the replicates",
        "softmax_pvalue[_heldout]": "its p-value",
        "logistic_error[_surrogate][_heldout]": "the same of logistic regressions, one class against all others",
        "logistic_pvalue[_heldout]": "its p-value",
    }
    named: ClassVar[Mapping[str, str]] = {
        "gram_pvalue": "Spectrum against a Gaussian's, p-value",
        "gram_effect": "Spectrum's distance from a Gaussian's",
        "gram_edge": "Largest eigenvalue beyond a Gaussian's",
        "whitened_pvalue": "Whitened spectrum against a Gaussian's, p-value",
        "whitened_effect": "Whitened spectrum's distance from a Gaussian's",
        "whitened_edge": "Largest whitened eigenvalue beyond a Gaussian's",
        "whitened_edge_matched": "Largest whitened eigenvalue beyond a Gaussian's, as many images as held out",
        "whitened_dimension": "Dimensions compared",
        "radius_ratio": "Variance of ‖x‖² over a Gaussian's",
        "radius_pvalue": "Variance of ‖x‖², p-value",
        "leverage_ratio": "Variance of the whitened ‖x‖² over a Gaussian's",
        "leverage_pvalue": "Variance of the whitened ‖x‖², p-value",
        "quadratic_slope": "Growth of the variance of ‖x‖² with the dimension",
        "quadratic_slope_whitened": "Growth of the variance of the whitened ‖x‖² with the dimension",
        "limit_distance": "Distance from the limiting spectrum",
        "exact_repeats": "Images whose features repeat exactly",
        "class_alignment": "Leading eigenvectors' cosine with the classes",
        "clustering": "Spectral clustering's agreement with the classes",
        "ls_svm_error": "Error of an LS-SVM",
        "ls_svm_pvalue": "Error of an LS-SVM, p-value",
        "ridge_error": "Error of ridge regression",
        "ridge_pvalue": "Error of ridge regression, p-value",
        "softmax_error": "Error of a softmax classifier",
        "softmax_pvalue": "Error of a softmax classifier, p-value",
        "logistic_error": "Error of logistic regression",
        "logistic_pvalue": "Error of logistic regression, p-value",
    }

    samples: int = parameter(10_000, "Images drawn from the generator, and at most as many held-out ones.")
    tested: Annotated[int, Field(ge=8)] = parameter(500, "Rows of the Gram matrix, the same number of both kinds.")
    dimension: Annotated[int, Field(ge=4)] = parameter(
        256, "Features are projected at random to this many where there are more."
    )
    embeddings: Annotated[tuple[str, ...], BeforeValidator(separated)] = parameter(
        (), "Further embeddings to repeat everything in, comma-separated."
    )
    replicates: Annotated[int, Field(ge=19)] = parameter(99, "Gaussian replicates that each test compares with.")
    alpha: float = parameter(0.05, "Significance of the four tests together.")
    tolerance: float = parameter(0.1, "Shift of the spectrum's upper edge that two moments still describe.")
    fluctuation: float = parameter(3.0, "How many times a Gaussian's the variance of ‖x‖² may be.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator."""
        return f"there is no generator; give one with {option('generator')}" if subject.model is None else None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Test generated and held-out features, in every embedding."""
        from didlearn.checks.gaussianity.run import run_gaussianity

        return run_gaussianity(self, subject, rng)
