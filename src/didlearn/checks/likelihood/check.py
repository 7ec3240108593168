"""How likely does the generator find its training data, and others?

Annealed importance sampling (after Wu et al. 2017 and Friedman & Weiss 2024), with bounds from both sides on images the
model made itself: a difference smaller than their gap is no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from didlearn.audit.check import Better, Check, Confidence, parameter, register
from didlearn.audit.method import Method

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream

Schedule = Literal["equal", "sigmoid", "linear"]


@register
@dataclass(frozen=True)
class LikelihoodCheck(Check):
    """Log-likelihoods of groups of images, with the bounds' gap beside every difference."""

    name: ClassVar[str] = "likelihood"
    question: ClassVar[str] = "Does the generator find real images likely?"
    position: ClassVar[int] = 6
    summary: ClassVar[str] = "Does it find real images likely? The likelihood check alone."
    method: ClassVar[Method] = Method(
        "Log-likelihoods were bounded from below by annealed importance sampling with step sizes frozen after a pilot "
        "run, and on simulated images from both sides",
        ("friedman2024", "grosse2015", "neal2001", "wu2017"),
        {"mixture": "tipping1999"},
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "density_{group}": "mean log density by the generator itself, in nats, for pixels in [0, 1]",
        "density_bits_{group}": "the same in bits a dimension of 256 grey levels",
        "log_likelihood_{group}": "mean lower bound on log p(x), in nats",
        "bits_per_dim_{group}": "the same in bits a pixel",
        "bound_gap": "mean upper less lower bound on simulated images, in nats",
        "effort_drift": "the largest rise of a group's mean from half the budget to all of it, in nats",
        "sigma": "the standard deviation of the observation",
        "sigma_likeliest": "the one under which held-out images are likeliest",
        "sigma_reconstruction": "the one of held-out images' distances from the manifold",
        "preference_{group}": "difference of two groups' means",
        "ppca_heldout": "held-out images' mean under probabilistic PCA",
        "gaussian_heldout": "under a full Gaussian",
        "mixture_heldout": "under a mixture of ten PPCAs",
        "iwae_{group}": "the importance-weighted bound of the module's own encoder",
        "log_likelihood_{group}_published": "the same by the published protocol, in nats",
        "preference_{group}_published": "difference of two groups' means, by the published protocol",
        "bound_gap_published": "how far that protocol's bounds lie apart",
        "correlation_local_variation[_ppca]": "with the coefficient of variation in patches",
        "correlation_local_variance[_ppca]": "rank correlation of the log-likelihood with the variance in patches",
        "correlation_png_bits[_ppca]": "with the size as PNG",
    }
    named: ClassVar[Mapping[str, str]] = {
        "density_bits_{group}": "Bits a dimension of {group}, by its own density",
        "density_{group}": "Log density of {group}, its own",
        "log_likelihood_{group}": "Log-likelihood of {group}",
        "bits_per_dim_{group}": "Bits per pixel of {group}",
        "bound_gap": "Gap between the bounds",
        "effort_drift": "Rise over the last half of the effort",
        "sigma": "Noise σ",
        "sigma_likeliest": "Noise σ under which held-out images are likeliest",
        "sigma_reconstruction": "Noise σ from reconstruction errors",
        "preference_train_heldout": "Log-likelihood of training less held-out images",
        "preference_generated_heldout": "Log-likelihood of its own less held-out images",
        "preference_heldout_{group}": "Log-likelihood of held-out images less {group}",
        "preference_generated_{group}": "Log-likelihood of its own images less {group}",
        "ppca_heldout": "Held-out images under probabilistic PCA",
        "gaussian_heldout": "Held-out images under a full Gaussian",
        "mixture_heldout": "Held-out images under a mixture of PCAs",
        "iwae_{group}": "Bound of the module's own encoder, {group}",
        "correlation_local_variation": "Correlation with the coefficient of variation within patches",
        "correlation_local_variance": "Correlation with the variance within patches",
        "correlation_png_bits": "Correlation with the size as PNG",
    }
    efforts: ClassVar[Sequence[Mapping[str, int]]] = (
        {"images": 4, "chains": 4, "budget": 240, "sigma_curves": False},
        {"images": 8, "chains": 4, "budget": 240, "sigma_curves": False},
        {"images": 8, "chains": 8, "budget": 240},
        {"images": 16, "chains": 8, "budget": 240},
    )
    better: ClassVar[Mapping[str, Better]] = {
        "density_bits_heldout": "less",
        "log_likelihood_heldout": "more",
        "bits_per_dim_heldout": "less",
    }

    images: int = parameter(16, "Images of each group.")
    chains: int = parameter(8, "Chains for each image.")
    budget: int = parameter(
        480, "Gradient evaluations of each chain; the ranking is shown at a half and a quarter of it too."
    )
    observation: str = parameter("gaussian", "Gaussian, laplace or bernoulli.")
    sigma: float | None = parameter(
        None, "Standard deviation of the observation (default: calibrated on held-out images)."
    )
    affordable: float = parameter(
        100.0, "Of a generator that knows its density: 10¹² operations that the bound under noise beside it may take."
    )
    schedule: Schedule = parameter("equal", "Of inverse temperatures: equal (thermodynamic length), sigmoid, linear.")
    temperatures: int | None = parameter(None, "Their number (default: what the budget leaves).")
    sigma_curves: bool = parameter(True, "Show every group's log-likelihood against σ, of a few images.")
    published: bool = parameter(
        False, "Show the published protocol beside it: 500 temperatures, 4 chains of the prior."
    )
    tightness: float = parameter(1.0, "Gap of the bounds, in nats, that still allows a verdict.")
    all_classes: bool = parameter(False, "Average over the classes of a conditional generator, not each image's own.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a latent model, training and held-out images of its shape."""
        from didlearn.checks.log_likelihood.needs import missing_for_density

        return missing_for_density(subject, self.all_classes, self.observation)

    def passes(self, subject: Subject) -> float:
        """Return about how many passes all chains take."""
        from didlearn.checks.likelihood.protocol import curve_images
        from didlearn.checks.log_likelihood.effort import ChainEffort
        from didlearn.checks.log_likelihood.known import knows_density, passes_of_density

        if knows_density(subject):
            return self.images * (3 + len(subject.comparable)) * passes_of_density(subject)
        effort = ChainEffort(self.images, self.chains, self.budget, self.observation, self.sigma)
        again = sum({effort.share(4), effort.share(2), self.budget}) / self.budget - 1  # for the ranking
        curves = curve_images(effort) if self.sigma_curves else 0.0
        return effort.passes((3 + len(subject.comparable)) * (self.images * (1 + again) + curves))

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Estimate every group's likelihood, bound it, and compare."""
        from didlearn.checks.likelihood.run import run_likelihood

        return run_likelihood(self, subject, rng)
