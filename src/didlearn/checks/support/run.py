"""Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.duplicate_counts import Counts, count_duplicates
from didlearn.checks.sameness import Criterion, calibrate_duplicates
from didlearn.checks.support.check import Support
from didlearn.checks.support.classes import class_parts
from didlearn.checks.support.measure import measured_atoms, measured_criterion, measured_lookalikes, measured_supports
from didlearn.checks.support.page import criterion_parts
from didlearn.checks.support.pairs import candidates, pair_parts
from didlearn.checks.support.procedure import birthday_parts
from didlearn.checks.support.sheet import sheet_parts
from didlearn.checks.support.verdict import judge_support
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit
from didlearn.models.base import Samples
from didlearn.models.faults import find_fault
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimate
from didlearn.rng import Stream

RealSet = tuple[Images | None, Array | None]
_PERTURBED = 400
_FEWEST = 50


def run_support(check: Support, subject: Subject, rng: Stream) -> CheckResult:
    """Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""
    drawn = subject.draw(check.samples)
    real = subject.heldout or subject.train
    fault = find_fault(drawn, None if real is None else real.shape, _FEWEST)
    if fault is not None:
        return fault.result(check.name)
    return _measure(check, subject, drawn, rng)


def _measure(check: Support, subject: Subject, drawn: Samples, rng: Stream) -> CheckResult:
    features = subject.drawn_features(check.samples)
    heldout = _some(subject.heldout, check.samples, rng.numpy("heldout"))
    real = None if heldout is None else subject.embed(heldout)
    subject.progress(check.name, 1, 6)
    train = _some(subject.train, len(drawn) - (0 if heldout is None else len(heldout)), rng.numpy("train"))
    trained = None if train is None else subject.embed(train)
    criterion = _calibrate(check, subject, drawn, (heldout, real), (train, trained))
    subject.progress(check.name, 2, 6)
    found = count_duplicates(features, criterion.threshold, device=subject.device)
    found_real = None if real is None else count_duplicates(real, criterion.threshold, device=subject.device)
    subject.progress(check.name, 3, 6)
    estimates = measured_supports(found, found_real, check.level) | measured_lookalikes(
        features, real, criterion, subject.device, check.level
    )
    subject.progress(check.name, 4, 6)
    verdict = judge_support(estimates, found, found_real, check.factor, check.level)
    pairs = candidates(features, found, criterion.threshold, check.candidates, subject.device)
    subject.progress(check.name, 5, 6)
    labels = None if heldout is None or real is None or heldout.labels is None else (real, heldout.labels)
    names = subject.model.class_names if subject.model is not None else None
    parts = (
        Parts(_ordered(estimates))
        + measured_criterion(criterion, found, check.level)
        + birthday_parts(found, estimates["effective_support"], check.level)
        + measured_atoms(drawn, found, check.level)
        + class_parts(features, drawn.labels, labels, names, criterion.threshold, check.level, subject.device)
        + criterion_parts(features, real, criterion, check.level, subject.device)
        + pair_parts(drawn.images, features, pairs, subject.train, subject.embed, subject.device)
        + _sheet(check, subject, drawn, found, criterion, [(heldout, real), (train, trained)], rng)
        + Parts(notes=(*drawn.notes, *subject.embedding.notes))
        + Parts(arrays={"cluster_sizes": found.cluster_sizes, "component": found.component})
    )
    subject.progress(check.name, 6, 6)
    return CheckResult(check=check.name, **verdict._asdict(), **parts.fields())


def _calibrate(check: Support, subject: Subject, drawn: Samples, heldout: RealSet, train: RealSet) -> Criterion:
    """Calibrate on real images: the held-out ones, filled up with training images to the sample's size."""
    features = [known for _, known in (heldout, train) if known is not None]
    pictures = _pictures(heldout[0] or train[0], drawn)
    return calibrate_duplicates(
        pictures,
        subject.embed(pictures),
        np.concatenate(features) if features else None,
        subject.embed,
        samples=len(drawn),
        false_pairs=check.false_pairs,
        threshold=check.threshold,
        device=subject.device,
    )


def _sheet(
    check: Support,
    subject: Subject,
    drawn: Samples,
    found: Counts,
    criterion: Criterion,
    real: list[RealSet],
    rng: Stream,
) -> Parts:
    """Keep what a person needs to judge the pairs; the larger real set has pairs that are nearer to one another."""
    sets = [(images, features) for images, features in real if images is not None and features is not None]
    return sheet_parts(
        drawn.images,
        subject.drawn_features(check.samples),
        found,
        criterion,
        max(sets, key=lambda known: len(known[0]), default=None),
        subject.embed,
        rng.child("sheet"),
        subject.device,
    )


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
