"""Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""

from __future__ import annotations

from didlearn.alignment.planes import Planes
from didlearn.audit.check import share_of_error
from didlearn.audit.subject import Subject
from didlearn.checks.disguised_repeats import join_disguised, misfit_of_the_same
from didlearn.checks.duplicate_counts import Counts
from didlearn.checks.relative_support import relative_support
from didlearn.checks.sameness import Criterion
from didlearn.checks.support.asked import MOST_LISTED
from didlearn.checks.support.check import Support
from didlearn.checks.support.measure import (
    Compared,
    Duplicates,
    atoms_of,
    calibrated,
    count_at,
    count_by_class,
    count_lookalikes,
    gather,
    join_pairs,
    measured_criterion,
    measured_lookalikes,
    measured_supports,
    measured_without,
    to_perturb,
)
from didlearn.checks.support.page import atom_parts, class_parts, criterion_notes, criterion_parts, pair_parts
from didlearn.checks.support.pairs import LOOKED_THROUGH, Listed, listed_pairs, nearest_training
from didlearn.checks.support.procedure import published_parts
from didlearn.checks.support.sheet import sheet_parts
from didlearn.checks.support.verdict import Held, judge_support
from didlearn.models.faults import find_fault
from didlearn.neighbors import Pairs, closest_pairs
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_FEWEST_SAMPLES, _SUPPORT_STEPS = 50, 5
_SHOWN_FIRST = (
    "effective_support",
    "relative_support",
    "effective_support_heldout",
    "richness",
)  # what a reader looks for first


def run_support(check: Support, subject: Subject, rng: Stream) -> CheckResult:
    """Draw samples, calibrate what a duplicate is, count, and compare with held-out images."""
    real = subject.heldout or subject.train
    fault = find_fault(subject.draw(check.samples), None if real is None else real.shape, _FEWEST_SAMPLES)
    return _birthday_test(check, subject, rng) if fault is None else fault.result(check.name)


def _birthday_test(check: Support, subject: Subject, rng: Stream) -> CheckResult:
    def done(steps: int) -> None:
        subject.progress(check.name, steps, _SUPPORT_STEPS)

    device, level = subject.device, check.level
    compared = gather(subject, check.samples, rng)
    done(1)
    criterion = calibrated(compared, subject.embed, check.threshold, rng, device, subject.mild_changes)
    done(2)
    close = closest_pairs(compared.features, k=max(LOOKED_THROUGH * check.candidates, MOST_LISTED), device=device)
    same = count_at(compared, criterion.threshold, device, close)
    held = _held(compared, criterion, _joined(check, subject, compared, same, rng), rng, device)
    done(3)
    pairs = listed_pairs(compared.features, same.own, criterion.threshold, check.candidates, device, close)
    done(4)
    decision = judge_support(held, check.factor, level, share_of_error(check))
    parts = (
        _supports(compared, criterion, held, level)
        + _shown_beside(subject, compared, criterion, pairs, close, level)
        + _sheet(subject, compared, criterion, same.own, close, rng)
        + Parts(notes=(*compared.drawn.notes, *subject.embedding.notes))
        + Parts(arrays={"cluster_sizes": held.same.own.cluster_sizes, "component": held.same.own.component})
    )
    done(5)
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _joined(
    check: Support, subject: Subject, compared: Compared, same: Duplicates[Counts], rng: Stream
) -> Duplicates[Counts]:
    """Count pictures in disguise too; not where the threshold was given, or pictures are too small."""
    sought = check.threshold is None and not subject.points
    limit = misfit_of_the_same(to_perturb(compared), rng.numpy("changes")) if sought else None
    if limit is None:
        return same

    def join(counts: Counts, planes: Planes) -> Counts | None:
        draw = rng.numpy(f"pairs of {counts.samples}")
        return join_disguised(counts, planes, limit, draw, threads=subject.threads)

    return join_pairs(compared, same, join, subject.device)


def _held(compared: Compared, criterion: Criterion, same: Duplicates[Counts], rng: Stream, device: str) -> Held:
    """Count pairs at every distance, and each sample's own neighbours."""
    relative = None
    if compared.heldout is not None:
        halves = rng.numpy("halves")
        relative = relative_support(compared.features, compared.heldout.features, halves, device)
    return Held(same, count_lookalikes(compared, criterion, device), relative)


def _supports(compared: Compared, criterion: Criterion, held: Held, level: float) -> Parts:
    """What the duplicates among the samples say: supports, the published reading of them, and heavy atoms."""
    found = held.same.own
    together = held.together(level)
    estimates = measured_supports(held.same, level, together) | measured_lookalikes(held.lookalikes, level, together)
    relative = {} if held.relative is None else held.relative.estimates(level)
    estimates = relative | estimates
    atoms = atoms_of(found, level)
    return (
        Parts({name: estimates[name] for name in (*_SHOWN_FIRST, *estimates) if name in estimates})
        + Parts(measured_criterion(criterion, level))
        + criterion_notes(criterion, found)
        + published_parts(found, estimates["effective_support"], level)
        + atom_parts(compared.drawn.images, found, atoms)
        + Parts(measured_without(atoms, found, level))
    )


def _shown_beside(
    subject: Subject, compared: Compared, criterion: Criterion, pairs: Listed, close: Pairs, level: float
) -> Parts:
    """What stands beside it: class by class, how the criterion was chosen, and the closest pairs."""
    device = subject.device
    near = None
    if subject.train is not None and pairs.closest:
        near = nearest_training([*pairs.closest, *pairs.apart], compared.features, subject.train, subject.embed, device)
    return (
        class_parts(
            count_by_class(compared, criterion.threshold, device), subject.drawn_classes, compared.labelled, level
        )
        + criterion_parts(compared, criterion, level, device, close)
        + pair_parts(compared.drawn.images, pairs, subject.train, near)
    )


def _sheet(
    subject: Subject, compared: Compared, criterion: Criterion, found: Counts, close: Pairs, rng: Stream
) -> Parts:
    """Keep what a person needs to judge the pairs; the larger real set has pairs that are nearer to one another."""
    if subject.points:  # nobody can see whether two rows of numbers are one
        return Parts()
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
        close,
    )
