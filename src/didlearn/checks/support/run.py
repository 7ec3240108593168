"""Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""

from __future__ import annotations

from didlearn.audit.subject import Subject
from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.sameness import Criterion
from didlearn.checks.support.check import Support
from didlearn.checks.support.measure import (
    Compared,
    atoms_of,
    calibrated,
    count_both,
    count_by_class,
    gather,
    measured_criterion,
    measured_lookalikes,
    measured_supports,
    measured_without,
)
from didlearn.checks.support.page import atom_parts, class_parts, criterion_notes, criterion_parts, pair_parts
from didlearn.checks.support.pairs import Candidate, candidates, nearest_training
from didlearn.checks.support.procedure import published_parts
from didlearn.checks.support.sheet import sheet_parts
from didlearn.checks.support.verdict import judge_support
from didlearn.models.faults import find_fault
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimate
from didlearn.rng import Stream

_FEWEST_SAMPLES, _STEPS = 50, 6
_FIRST = ("effective_support", "effective_support_heldout", "richness")  # what a reader looks for first


def run_support(check: Support, subject: Subject, rng: Stream) -> CheckResult:
    """Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""
    real = subject.heldout or subject.train
    fault = find_fault(subject.draw(check.samples), None if real is None else real.shape, _FEWEST_SAMPLES)
    return _answer(check, subject, rng) if fault is None else fault.result(check.name)


def _answer(check: Support, subject: Subject, rng: Stream) -> CheckResult:
    def done(steps: int) -> None:
        subject.progress(check.name, steps, _STEPS)

    device, level = subject.device, check.level
    compared = gather(subject, check.samples, rng)
    done(1)
    criterion = calibrated(compared, subject.embed, check.false_pairs, check.threshold, device)
    done(2)
    found = count_both(compared, criterion.threshold, device)
    done(3)
    estimates = measured_supports(found, level) | measured_lookalikes(compared, criterion, device, level)
    done(4)
    pairs = candidates(compared.features, found.own, criterion.threshold, check.candidates, device)
    done(5)
    decision = judge_support(estimates, found.own, found.heldout, check.factor, level)
    parts = (
        _supports(compared, criterion, found.own, estimates, level)
        + _beside(subject, compared, criterion, pairs, level)
        + _sheet(subject, compared, criterion, found.own, rng)
        + Parts(notes=(*compared.drawn.notes, *subject.embedding.notes))
        + Parts(arrays={"cluster_sizes": found.own.cluster_sizes, "component": found.own.component})
    )
    done(6)
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _supports(
    compared: Compared, criterion: Criterion, found: Counts, estimates: dict[str, Estimate], level: float
) -> Parts:
    """What the duplicates among the samples say: supports, the published reading of them, and heavy atoms."""
    atoms = atoms_of(found, level)
    return (
        Parts({name: estimates[name] for name in (*_FIRST, *estimates) if name in estimates})
        + Parts(measured_criterion(criterion, level))
        + criterion_notes(criterion, found)
        + published_parts(found, estimates["effective_support"], level)
        + atom_parts(compared.drawn.images, found, atoms)
        + Parts(measured_without(atoms, found, level))
    )


def _beside(subject: Subject, compared: Compared, criterion: Criterion, pairs: list[Candidate], level: float) -> Parts:
    """What stands beside it: class by class, how the criterion was chosen, and the closest pairs."""
    device = subject.device
    names = None if subject.model is None else subject.model.class_names
    near = None
    if subject.train is not None and pairs:
        near = nearest_training(pairs, compared.features, subject.train, subject.embed, device)
    return (
        class_parts(count_by_class(compared, criterion.threshold, device), names, compared.labelled, level)
        + criterion_parts(compared, criterion, level, device)
        + pair_parts(compared.drawn.images, pairs, subject.train, near)
    )


def _sheet(subject: Subject, compared: Compared, criterion: Criterion, found: Counts, rng: Stream) -> Parts:
    """Keep what a person needs to judge the pairs; the larger real set has pairs that are nearer to one another."""
    real = max(compared.real, key=lambda known: len(known.images), default=None)
    return sheet_parts(
        compared.drawn.images,
        compared.features,
        found,
        criterion,
        real,
        subject.embed,
        rng.child("sheet"),
        subject.device,
    )
