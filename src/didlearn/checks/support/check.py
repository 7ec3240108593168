"""How many different images can the generator make? The birthday-paradox test (Arora, Risteski & Zhang 2018).

In the published form batches of ``s`` samples are searched for duplicates. The efficient form counts duplicate
pairs over one large sample: with p the generator's law over pictures, C pairs among n samples estimate the collision
probability Σp² without bias, and 1/Σp² is the *effective support*: as many equally likely pictures would collide as
often. It is at most the number of different pictures, and far below it where a few are drawn often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from didlearn.arrays import Array
from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
from didlearn.checks.duplicate_counts import Counts, count_duplicates
from didlearn.checks.sameness import Criterion, calibrate_duplicates
from didlearn.checks.support.classes import class_parts
from didlearn.checks.support.page import criterion_parts
from didlearn.checks.support.pairs import atom_parts, candidates, pair_parts
from didlearn.checks.support.procedure import birthday_parts
from didlearn.checks.support.sheet import sheet_parts
from didlearn.checks.support.verdict import judge_support
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit
from didlearn.models.base import Samples
from didlearn.models.faults import find_fault
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimate, exactly
from didlearn.result.words import percent
from didlearn.rng import Stream
from didlearn.statistics.birthday.atoms import heavy_atoms
from didlearn.statistics.birthday.collisions import collision_probability
from didlearn.statistics.birthday.support import estimate_support, estimate_support_without_atoms

RealSet = tuple[Images | None, Array | None]
_PERTURBED = 400
_FEWEST = 50


@register
@dataclass(frozen=True)
class Support(Check):
    """The birthday-paradox test.

    Attributes:
        samples: images drawn from the generator, and at most as many held-out ones.
        candidates: closest pairs listed for a person to look at.
        factor: the generator passes when its effective support is shown to be at least the real set's over this.
        false_pairs: expected number of false duplicate pairs the calibrated threshold allows in the whole sample.
        threshold: distance at or below which two images are duplicates; calibrated when ``None``.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "support"
    question: ClassVar[str] = "How many different images can the generator make?"
    position: ClassVar[int] = 1

    samples: int = 20_000
    candidates: int = 20
    factor: float = 2.0
    false_pairs: float = 0.5
    threshold: float | None = None
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: the check needs a generator, and nothing else."""
        return "there is no generator; give one with --generator" if subject.model is None else None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""
        drawn = subject.draw(self.samples)
        real = subject.heldout or subject.train
        fault = find_fault(drawn, None if real is None else real.shape, _FEWEST)
        if fault is not None:
            return fault.result(self.name)
        return self._measure(subject, drawn, rng)

    def _measure(self, subject: Subject, drawn: Samples, rng: Stream) -> CheckResult:
        features = subject.drawn_features(self.samples)
        heldout = _some(subject.heldout, self.samples, rng.numpy("heldout"))
        real = None if heldout is None else subject.embed(heldout)
        subject.progress(self.name, 1, 6)
        train = _some(subject.train, len(drawn) - (0 if heldout is None else len(heldout)), rng.numpy("train"))
        trained = None if train is None else subject.embed(train)
        criterion = self._calibrate(subject, drawn, (heldout, real), (train, trained))
        subject.progress(self.name, 2, 6)
        found = count_duplicates(features, criterion.threshold, device=subject.device)
        found_real = None if real is None else count_duplicates(real, criterion.threshold, device=subject.device)
        subject.progress(self.name, 3, 6)
        estimates = self._supports(found, found_real) | self._lookalikes(features, real, criterion, subject.device)
        subject.progress(self.name, 4, 6)
        verdict = judge_support(estimates, found, found_real, self.factor, self.level)
        pairs = candidates(features, found, criterion.threshold, self.candidates, subject.device)
        subject.progress(self.name, 5, 6)
        labels = None if heldout is None or real is None or heldout.labels is None else (real, heldout.labels)
        names = subject.model.class_names if subject.model is not None else None
        parts = (
            Parts(_ordered(estimates))
            + self._criterion_estimates(criterion, found)
            + birthday_parts(found, estimates["effective_support"], self.level)
            + self._atoms(drawn, found)
            + class_parts(features, drawn.labels, labels, names, criterion.threshold, self.level, subject.device)
            + criterion_parts(features, real, criterion, self.level, subject.device)
            + pair_parts(drawn.images, features, pairs, subject.train, subject.embed, subject.device)
            + self._sheet(subject, drawn, found, criterion, [(heldout, real), (train, trained)], rng)
            + Parts(notes=(*drawn.notes, *subject.embedding.notes))
            + Parts(arrays={"cluster_sizes": found.cluster_sizes, "component": found.component})
        )
        subject.progress(self.name, 6, 6)
        return CheckResult(check=self.name, **verdict._asdict(), **parts.fields())

    def _calibrate(self, subject: Subject, drawn: Samples, heldout: RealSet, train: RealSet) -> Criterion:
        """Calibrate on real images: the held-out ones, filled up with training images to the sample's size."""
        features = [known for _, known in (heldout, train) if known is not None]
        pictures = _pictures(heldout[0] or train[0], drawn)
        return calibrate_duplicates(
            pictures,
            subject.embed(pictures),
            np.concatenate(features) if features else None,
            subject.embed,
            samples=len(drawn),
            false_pairs=self.false_pairs,
            threshold=self.threshold,
            device=subject.device,
        )

    def _sheet(
        self, subject: Subject, drawn: Samples, found: Counts, criterion: Criterion, real: list[RealSet], rng: Stream
    ) -> Parts:
        """Keep what a person needs to judge the pairs; the larger real set has pairs that are nearer to one another."""
        sets = [(images, features) for images, features in real if images is not None and features is not None]
        return sheet_parts(
            drawn.images,
            subject.drawn_features(self.samples),
            found,
            criterion,
            max(sets, key=lambda known: len(known[0]), default=None),
            subject.embed,
            rng.child("sheet"),
            subject.device,
        )

    def _supports(self, found: Counts, found_real: Counts | None) -> dict[str, Estimate]:
        estimates = {
            "effective_support": found.support(self.level),
            "collision_probability": collision_probability(found.pairs, found.triples, found.samples, self.level),
        }
        if found.transitive:
            estimates = estimate_support(found.cluster_sizes, found.samples, self.level) | estimates
        if found_real is not None:
            estimates["effective_support_heldout"] = found_real.support(self.level)
        return estimates

    def _lookalikes(
        self, features: Array, real: Array | None, criterion: Criterion, device: str
    ) -> dict[str, Estimate]:
        """Count at the larger distance where real images have pairs to count, for the comparison to rest on."""
        if real is None or criterion.lookalike is None or criterion.lookalike <= criterion.threshold:
            return {}
        counts = {"": features, "_heldout": real}
        found = {name: count_duplicates(x, criterion.lookalike, device=device) for name, x in counts.items()}
        return {f"lookalike_support{name}": c.support(self.level) for name, c in found.items()}

    def _atoms(self, drawn: Samples, found: Counts) -> Parts:
        """List pictures drawn far more often than the rest, and measure again without them."""
        atoms = heavy_atoms(found.cluster_sizes, found.samples, self.level) if found.transitive else []
        if not atoms:
            return Parts()
        rest = estimate_support_without_atoms(found.cluster_sizes, found.samples, self.level) or {}
        named = {f"{name}_without_atoms": rest[name] for name in ("effective_support", "richness") if name in rest}
        masses = [(size, mass.value or 0.0, mass.low or 0.0, mass.high or 1.0) for size, mass in atoms]
        return atom_parts(drawn.images, found, masses) + Parts({"largest_atom": atoms[0][1], **named})

    def _criterion_estimates(self, criterion: Criterion, found: Counts) -> Parts:
        rate = criterion.false_duplicate_rate(self.level)
        estimates = {} if rate is None else {"false_duplicate_rate": rate}
        method = f"calibrated: {criterion.because}"
        estimates["threshold"] = exactly(criterion.threshold, self.level, criterion.distinct, method, "distance")
        notes = [f"Two images are duplicates at a distance of {criterion.threshold:.4g} or less: {criterion.because}."]
        if not found.transitive:
            notes.append(
                f"Only {percent(found.transitivity or 0.0)} of pairs within clusters are duplicates themselves: "
                "pictures shade into one another, so that clusters mean nothing, and richness, coverage, heterogeneity "
                "and atoms are left out. The effective support counts pairs, and stands."
            )
        return Parts(estimates, notes=tuple(notes))


def _ordered(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    """Put first what a reader looks for first."""
    first = ("effective_support", "effective_support_heldout", "richness")
    return {name: estimates[name] for name in (*first, *estimates) if name in estimates}


def _some(images: Images | None, count: int, rng: np.random.Generator) -> Images | None:
    """Return at most ``count`` of the images, or ``None`` where there are not two to compare."""
    return None if images is None or min(count, len(images)) < 2 else images.some(count, rng)


def _pictures(real: Images | None, drawn: Samples) -> Array:
    """Return 8-bit pictures to perturb: real ones where there are any."""
    return eight_bit(drawn.images[:_PERTURBED] if real is None else real.read_raw(range(min(_PERTURBED, len(real)))))
