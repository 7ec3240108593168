"""Are real images typical of what the generator makes?

Most of a distribution's mass lies where the log-likelihood is near its mean, the negative entropy (Nalisnick et al.
2019). The model's own samples, with their observation noise, say where that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from didlearn.audit.check import Better, Check, Confidence, parameter, register
from didlearn.audit.method import Method

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream


@register
@dataclass(frozen=True)
class TypicalityCheck(Check):
    """Whether groups of real images have the log-likelihood that the model's own samples have."""

    name: ClassVar[str] = "typicality"
    question: ClassVar[str] = "Are real images typical of the generator?"
    position: ClassVar[int] = 7
    summary: ClassVar[str] = "Are real images typical of it? The typicality check alone."
    method: ClassVar[Method] = Method(
        "Typicality compares the mean log-likelihood of real images with that of the model's own noised samples",
        ("friedman2024", "nalisnick2019", "wu2017"),
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "entropy": "minus the mean log-likelihood of the model's samples, in nats",
        "sample_spread": "the standard deviation of the samples' log-likelihoods, in nats",
        "effort_drift": "how far the training images' mean rose from half the budget to all of it",
        "bound_gap": "how far the bounds on a log-likelihood lie apart",
        "typicality_shift_{group}": "mean log-likelihood less that of the samples, in their standard deviations",
        "typicality_pvalue_{group}": "exact two-sided p-value of that difference, by Holm's correction",
        "atypical_{group}": "share of single images outside the typical set of the samples",
        "atypical_nominal": "share of its own samples outside it: what a perfect generator's data would show",
        "atypical_batches_{group}": "share of batches beyond the 99 % quantile of batches of samples",
    }
    named: ClassVar[Mapping[str, str]] = {
        "sample_spread": "Spread of its own samples' log-likelihoods",
        "effort_drift": "Rise over the last half of the effort",
        "bound_gap": "Gap between the bounds",
        "typicality_shift_{group}": "Shift of {group}",
        "typicality_pvalue_{group}": "Shift of {group}, p-value",
        "atypical_nominal": "Atypical of its own samples",
        "atypical_batches_{group}": "Atypical batches of {group}",
        "atypical_{group}": "Atypical of {group}",
    }
    efforts: ClassVar[Sequence[Mapping[str, int]]] = (
        {"images": 8, "drawn": 40, "chains": 4, "budget": 240},
        {"images": 8, "drawn": 40, "chains": 8, "budget": 240},
        {"images": 16, "chains": 8, "budget": 240},
    )
    better: ClassVar[Mapping[str, Better]] = {
        "atypical_train": "same",
        "typicality_shift_train": "zero",
    }

    drawn: int = parameter(48, "Images of the model, with their noise.")
    images: int = parameter(16, "Images of each real group.")
    chains: int = parameter(8, "Chains for each image.")
    budget: int = parameter(480, "Gradient evaluations of each chain.")
    observation: str = parameter("gaussian", "Gaussian, laplace or bernoulli.")
    sigma: float | None = parameter(
        None, "Standard deviation of the observation (default: calibrated on held-out images)."
    )
    batch: int = parameter(4, "Images a batch of the batch statistic.")
    tolerance: float = parameter(
        0.5, "Share of training images, beyond the nominal one, that may lie outside the typical set."
    )
    all_classes: bool = parameter(False, "Average over the classes of a conditional generator, not each image's own.")
    level: Confidence = parameter(0.95, "Confidence level of every interval.")

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a latent model, training and held-out images of its shape."""
        from didlearn.checks.log_likelihood.needs import missing_for_density

        return missing_for_density(subject, self.all_classes, self.observation)

    def passes(self, subject: Subject) -> float:
        """Return about how many passes all chains take."""
        from didlearn.checks.log_likelihood.effort import ChainEffort
        from didlearn.checks.log_likelihood.known import knows_density, passes_of_density

        if knows_density(subject):
            return (self.drawn + self.images * (2 + len(subject.comparable))) * passes_of_density(subject)
        effort = ChainEffort(self.images, self.chains, self.budget, self.observation, self.sigma)
        return effort.passes(self.drawn + self.images * (2.5 + len(subject.comparable)))

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Compare the likelihoods of real groups with those of the model's own samples."""
        from didlearn.checks.typicality.run import run_typicality

        return run_typicality(self, subject, rng)
