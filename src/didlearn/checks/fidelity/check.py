"""Do its images, as a set, come near to real ones?

The scores that the field reports (Fréchet and kernel distance, precision, recall, density, coverage, Vendi score), each
with its error, and each beside what as many training images score in the place of the generated ones: a perfect
generator could do no better, and at finite numbers of images that is not zero and not one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from didlearn.arrays import Ints
from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
from didlearn.checks.fidelity.measure import (
    Found,
    Sets,
    frechet_numbers,
    kernel_numbers,
    manifold_numbers,
    vendi_numbers,
)
from didlearn.checks.fidelity.page import bias_figure, far_gallery, score_table
from didlearn.checks.fidelity.verdict import Limits, judge_fidelity
from didlearn.embeddings.classifier import ClassifierEmbedding
from didlearn.errors import UsageError
from didlearn.images.base import Images
from didlearn.models.base import Samples
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_FEWEST = 40
_STEPS = 5


@register
@dataclass(frozen=True)
class Fidelity(Check):
    """Generated against held-out images, as sets, in the subject's embedding.

    Attributes:
        samples: images drawn from the generator; at most as many held-out and training ones.
        neighbors: the neighbour that a ball of precision, recall, density and coverage reaches to.
        permutations: exchanges of the kernel distance's test.
        tolerance: what may be lost of precision, of coverage and of the Vendi score against training images.
        shift: share of images that, all made one typical image, would shift the law as much as is tolerated.
        alpha: significance asked of a shift.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "fidelity"
    question: ClassVar[str] = "Do its images, as a set, come near to real ones?"
    position: ClassVar[int] = 3

    samples: int = 5_000
    neighbors: Annotated[int, Field(ge=1, le=_FEWEST // 4)] = 5
    permutations: Annotated[int, Field(ge=19)] = 499
    tolerance: float = 0.2
    shift: float = 0.1
    alpha: float = 0.05
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator, held-out images to compare with, and training images as the null."""
        if subject.model is None:
            return "there is no generator; give one with --generator"
        for name, flag, images in (("training", "--train", subject.train), ("held-out", "--heldout", subject.heldout)):
            count = 0 if images is None else len(images)
            if count < _FEWEST:
                return f"{count} {name} images are too few to compare sets; give at least {_FEWEST} with {flag}"
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Score generated and training images against held-out ones."""
        if 1 / self.alpha > self.permutations + 1:
            raise UsageError(
                f"{self.permutations} permutations cannot reach p < {self.alpha:g}; give more than {1 / self.alpha:.0f}"
            )
        assert subject.train is not None
        drawn = subject.draw(self.samples)
        fault = find_fault(drawn, subject.train.shape, _FEWEST)
        if fault is not None:
            return fault.result(self.name)
        return self._compare(subject, drawn, rng)

    @one_thread()
    def _compare(self, subject: Subject, drawn: Samples, rng: Stream) -> CheckResult:
        assert subject.heldout is not None
        heldout = subject.heldout.some(self.samples, rng.numpy("heldout"))
        chosen = self._chosen(subject, len(drawn), rng)
        sets = self._features(subject, chosen, heldout, rng)
        if (sets.heldout == sets.heldout[0]).all():
            reason = "all held-out images have the same features, so there is nothing to compare with"
            return CheckResult(check=self.name, verdict="inconclusive", reason=reason, answer=f"Open: {reason}.")
        found = self._numbers(subject, sets, rng)
        parts = Parts(
            found,
            tables=(score_table(found),),
            figures=(bias_figure(sets, rng.numpy("order")),),
            galleries=(far_gallery(sets, drawn.images, chosen, heldout, self.neighbors),),
            notes=(*_notes(subject, found, self.alpha), *drawn.notes, *subject.embedding.notes),
        )
        decision = judge_fidelity(found, Limits(self.tolerance, self.shift, self.alpha))
        subject.progress(self.name, _STEPS, _STEPS)
        return CheckResult(check=self.name, **decision._asdict(), **parts.fields())

    def _chosen(self, subject: Subject, drawn: int, rng: Stream) -> Ints:
        """Choose as many generated images as there can be training images beside them."""
        assert subject.train is not None
        count = min(drawn, len(subject.train))
        return np.sort(rng.numpy("generated").permutation(drawn)[:count])

    def _features(self, subject: Subject, chosen: Ints, heldout: Images, rng: Stream) -> Sets:
        assert subject.train is not None
        subject.progress(self.name, 0, _STEPS)
        train = subject.embed(subject.train.some(len(chosen), rng.numpy("train")))
        real, own = subject.embed(heldout), subject.drawn_features(self.samples)[chosen]
        return Sets(*(rows.astype(np.float64) for rows in (real, own, train)))

    def _numbers(self, subject: Subject, sets: Sets, rng: Stream) -> Found:
        subject.progress(self.name, 1, _STEPS)
        found = frechet_numbers(sets, self.level)
        subject.progress(self.name, 2, _STEPS)
        found |= kernel_numbers(sets, self.level, self.permutations, rng)
        subject.progress(self.name, 3, _STEPS)
        found |= manifold_numbers(sets, self.neighbors, self.level, rng)
        subject.progress(self.name, 4, _STEPS)
        return found | vendi_numbers(sets, self.level)


def _notes(subject: Subject, found: Found, alpha: float) -> tuple[str, ...]:
    notes = [
        "The Fréchet distance sees two moments only: sets of quite different images may agree in them. The gaussianity "
        "check says whether two moments describe these features."
    ]
    if (found["kernel_pvalue_train"].value or 0.0) < alpha:
        notes.append(
            "Training and held-out images differ by the kernel distance's exchange test themselves: a generator of the "
            "training images' law would too. Read the differences from training images."
        )
    if isinstance(subject.embedding, ClassifierEmbedding):
        notes.append(
            "The classifier whose features are compared was trained on the training images and not on held-out ones, "
            "so training images may score worse than new ones would."
        )
    if subject.split_off:
        notes.append(
            "The held-out images were split off the training set: if the generator saw them, it scores better."
        )
    return tuple(notes)
