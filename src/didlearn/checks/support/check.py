"""How many different images can the generator make? The birthday-paradox test (Arora, Risteski & Zhang 2018).

In the published form batches of ``s`` samples are searched for duplicates. The efficient form counts duplicate
pairs over one large sample: with p the generator's law over pictures, C pairs among n samples estimate the collision
probability Σp² without bias, and 1/Σp² is the *effective support*: as many equally likely pictures would collide as
often. It is at most the number of different pictures, and far below it where a few are drawn often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from didlearn.audit.check import Better, Check, Confidence, parameter, register
from didlearn.audit.method import Method
from didlearn.naming import option

if TYPE_CHECKING:
    from didlearn.audit.subject import Subject
    from didlearn.result.values import CheckResult
    from didlearn.rng import Stream


@register
@dataclass(frozen=True)
class Support(Check):
    """The birthday-paradox test."""

    name: ClassVar[str] = "support"
    question: ClassVar[str] = "How many different images can the generator make?"
    position: ClassVar[int] = 1
    summary: ClassVar[str] = "How many different images can it make? The birthday-paradox test alone."
    method: ClassVar[Method] = Method(
        "The effective support, one over the probability that two samples are duplicates, was estimated from all pairs "
        "of one sample by the birthday test with the corrected bounds, a duplicate being a pair below a calibrated "
        "distance; relative support compares how often a sample lies nearer to another than to the nearest of the "
        "held-out images with how often held-out images do",
        ("arora2018",),
        {"coverage": "good1953", "chao1": "chao1984", "richness": "valiant2017"},
    )
    estimates: ClassVar[Mapping[str, str]] = {
        "effective_support[_heldout]": "1/Σp²: as many equally likely pictures would collide as often",
        "effective_support_real": "the same of all real images that were looked at, held-out and training ones",
        "support_ratio": "the generator's effective support over real images', by the distance of the same picture",
        "relative_support": "the share of the data's spread that the samples use: 1 of a perfect generator",
        "near_pairs[_heldout]": "λ: how often a sample falls within another's distance to real images, 1 if perfect",
        "mass_near_real": "how many samples lie near real images, over a perfect generator's number",
        "spread_near_real": "Kish's share of real images that the samples near them are spread over",
        "collision_probability": "Σp²: how often two draws are the same picture",
        "heterogeneity": "Σp³/(Σp²)²: 1 when all pictures are equally likely",
        "coverage": "the share of the generator's law that the pictures seen so far make up",
        "chao1": "a lower bound on the number of different pictures",
        "richness": "the number of different pictures",
        "largest_atom": "the share of all samples that are one single picture",
        "effective_support_without_atoms": "measured again without such pictures",
        "richness_without_atoms": "measured again without such pictures",
        "batch_effective_support": "the effective support, fitted to the published batch procedure",
        "even_chance_batch_size": "the batch size at which a duplicate turns up half of the time",
        "threshold": "distance at or below which two images are duplicates",
        "false_duplicate_rate": "share of pairs of independent real images that would be called duplicates",
        "lookalike_support_{group}": "1/(share of pairs) within the distance of one real pair in 1e6, 1e5, 1e4",
        "lookalike_ratio_{group}": "the generator's look-alike support over real images', at one distance",
    }
    named: ClassVar[Mapping[str, str]] = {
        "effective_support_real": "Effective support of all real images",
        "support_ratio": "Effective support over real images'",
        "relative_support": "Share of the data's spread that it uses",
        "near_pairs": "Close pairs of samples, over a perfect generator's",
        "near_pairs_heldout": "Close pairs of held-out images, over a perfect generator's",
        "mass_near_real": "Samples near real images, over a perfect generator's",
        "spread_near_real": "Share of real images that these samples lie near",
        "collision_probability": "Chance that two samples are the same picture",
        "chao1": "Different pictures, at least (Chao)",
        "largest_atom": "Share of the commonest picture",
        "effective_support_without_atoms": "Effective support without the commonest pictures",
        "richness_without_atoms": "Richness without the commonest pictures",
        "batch_effective_support": "Effective support, from batches",
        "even_chance_batch_size": "Batch size at which a duplicate is as likely as not",
        "threshold": "Distance of the same picture",
        "false_duplicate_rate": "Pairs of real images falsely called the same picture",
        "lookalike_support_{group}_real": "Look-alike support of real images, one pair of theirs in {group}",
        "lookalike_support_{group}": "Look-alike support, one real pair in {group}",
        "lookalike_ratio_{group}": "Look-alike support over real images', one real pair in {group}",
    }
    better: ClassVar[Mapping[str, Better]] = {
        "relative_support": "one",
        "effective_support": "more",
        "support_ratio": "more",
        "near_pairs": "one",
        "mass_near_real": "one",
        "spread_near_real": "more",
        "collision_probability": "less",
        "largest_atom": "less",
        "richness": "more",
    }

    samples: int = parameter(20_000, "Images drawn from the generator.")
    candidates: int = parameter(20, "Closest pairs listed for a person to look at.")
    factor: float = parameter(4.0, "Passes when it is shown to use at least the data's spread over this.")
    threshold: float | None = parameter(
        None, "Distance at or below which two images are duplicates (default: calibrated)."
    )
    level: Confidence = parameter(
        0.95, "Confidence level of every interval; of the supports at all distances together."
    )

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: the check needs a generator, and nothing else."""
        return f"there is no generator; give one with {option('generator')}" if subject.model is None else None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""
        from didlearn.checks.support.run import run_support

        return run_support(self, subject, rng)
