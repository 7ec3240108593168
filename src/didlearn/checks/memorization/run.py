"""Find everyone's nearest training image, and compare generated with held-out images."""

from __future__ import annotations

from didlearn.arrays import Array
from didlearn.audit.check import share_of_error
from didlearn.audit.subject import Subject
from didlearn.checks.memorization.check import FEWEST_SEARCHED, Memorization
from didlearn.checks.memorization.criterion import CopyCriterion, calibrate_copies
from didlearn.checks.memorization.disguised import Disguised, look_up, matches_aligned
from didlearn.checks.memorization.disguised_page import commonest_change, disguised_parts
from didlearn.checks.memorization.heldout_matches import HeldoutMatches, match_heldout
from didlearn.checks.memorization.leaks import clean_null
from didlearn.checks.memorization.measure import (
    Located,
    authenticities,
    changed_training,
    chosen_limit,
    copied_shares,
    count_copies,
    in_cells,
    locate,
    matches_in,
    measured_copying,
    pool_real,
    preferences,
)
from didlearn.checks.memorization.page import cells_tables, closest_gallery, distance_figure, exact_table
from didlearn.checks.memorization.verdict import CopyLimits, judge_copying, too_few_left
from didlearn.embeddings import Embedding
from didlearn.embeddings.classifier import ClassifierEmbedding
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit
from didlearn.models.base import Samples
from didlearn.models.faults import find_fault
from didlearn.naming import option
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimate, Table
from didlearn.result.words import number, percent
from didlearn.rng import Stream
from didlearn.statistics.copying.data_copying import CellCopying

_COPYING_STEPS = 5


def run_memorization(check: Memorization, subject: Subject, rng: Stream) -> CheckResult:
    """Find everyone's nearest training image, and compare generated with held-out images."""
    assert subject.train is not None
    drawn = subject.draw(check.samples)
    fault = find_fault(drawn, subject.train.shape, FEWEST_SEARCHED)
    return _search_training(check, subject, drawn, rng) if fault is None else fault.result(check.name)


def _search_training(check: Memorization, subject: Subject, drawn: Samples, rng: Stream) -> CheckResult:
    def done(steps: int) -> None:
        subject.progress(check.name, steps, _COPYING_STEPS)

    assert subject.train is not None
    heldout, notes, disguised = _looked_up(check, subject, drawn, rng)
    if len(heldout) < FEWEST_SEARCHED:
        return CheckResult(check=check.name, **too_few_left(len(heldout))._asdict(), notes=notes)
    everyone = locate(subject, heldout, check.samples)
    own, real = everyone.own, everyone.real
    done(1)
    perturbed = changed_training(subject, rng)
    criterion = calibrate_copies(real.near.distance, perturbed, check.false_copies, check.threshold)
    done(2)
    copying = measured_copying(*in_cells(subject, everyone, check.samples, check.cells, rng), check.level)
    done(3)
    honest = not subject.split_off
    copies = count_copies(own.near.distance, real.near.distance, criterion, disguised, honest=honest)
    estimates = copied_shares(copies, criterion, check.level)
    estimates |= authenticities(subject, everyone, check.level)
    done(4)
    limit = chosen_limit(copies, disguised, check.level)
    pool = pool_real(own, real, len(subject.train), rng, subject.device)
    matched, worn = matches_in(pool, criterion.threshold), None
    if disguised is not None and limit is not None:
        matched = matches_aligned(disguised, limit, heldout, subject, rng)
        worn = commonest_change(disguised, limit, own.near.distance <= criterion.threshold)
    estimates |= copying.estimates | preferences(pool, matched, rng, check.level)
    limits = CopyLimits(check.tolerance, check.alpha, check.level, share_of_error(check))
    decision = judge_copying(estimates, copies, limits, honest=honest, worn=worn)
    seen = match_heldout(subject, drawn)
    parts = (
        Parts(estimates | seen.estimates(check.level), tables=_tables(subject, own, seen, copying.cells))
        + Parts(notes=_copying_notes(subject, drawn, criterion))
        + (Parts() if disguised is None else disguised_parts(disguised, limit, check.level))
        + Parts(notes=(*notes, *_apart_note(estimates)))
        + Parts(figures=(distance_figure(everyone, perturbed, criterion.threshold),))
        + Parts(galleries=(closest_gallery(drawn.images, own.near, heldout, real.near, subject),))
        + Parts(arrays=_arrays(own, "generated") | _arrays(real, "heldout"))
    )
    done(5)
    return CheckResult(check=check.name, **seen.told(decision)._asdict(), **parts.fields())


def _tables(subject: Subject, own: Located, seen: HeldoutMatches, cells: tuple[CellCopying, ...]) -> tuple[Table, ...]:
    assert subject.train is not None
    assert subject.heldout is not None
    return (*exact_table(own.near, subject.train), *seen.tables(subject.heldout), *cells_tables(cells))


def _looked_up(
    check: Memorization, subject: Subject, drawn: Samples, rng: Stream
) -> tuple[Images, tuple[str, ...], Disguised | None]:
    """Return the held-out images that did not leak, what is said of those that did, and what lines up."""
    assert subject.train is not None
    assert subject.heldout is not None
    heldout = subject.heldout.some(check.samples, rng.numpy("heldout"))
    sought = check.aligned if check.threshold is None and not subject.points else 0
    found = look_up(subject, eight_bit(drawn.images[:sought]), heldout, sought, rng)
    if found is None:
        return heldout, (), None
    null = clean_null(found, split_off=subject.split_off)
    disguised = Disguised(subject.train, found.own, null.lined, found.planted, found.again)
    return heldout if null.heldout is None else null.heldout, null.notes, disguised


def _arrays(group: Located, name: str) -> dict[str, Array]:
    return {f"{name}_distance": group.near.distance, f"{name}_index": group.near.index}


def _copying_notes(subject: Subject, drawn: Samples, criterion: CopyCriterion) -> tuple[str, ...]:
    return (
        f"A copy lies within {number(criterion.threshold)}: {criterion.because}.",
        *drawn.notes,
        *subject.embedding.notes,
        *_trained_note(subject.embedding),
        *subject.left_out,
    )


def _apart_note(estimates: dict[str, Estimate]) -> tuple[str, ...]:
    """Say why the two routes to the share of copies part, where their intervals do not meet."""
    ours, other = estimates["copied_fraction"], estimates["copied_by_authenticity"]
    if ours.low_or(0.0) > other.high_or(1.0):
        return (
            f"Authenticity amounts to a smaller share of copies ({percent(other.point)}): it compares plain distances, "
            "in which a copy in disguise lies far from its original.",
        )
    if other.low_or(0.0) > ours.high_or(1.0):
        return (
            f"Authenticity amounts to a larger share of copies ({percent(other.point)}): samples lie nearer to "
            "training images than those do to one another, as blurred images do, without being the same picture.",
        )
    return ()


def _trained_note(embedding: Embedding) -> tuple[str, ...]:
    if not isinstance(embedding, ClassifierEmbedding):
        return ()
    pixels = option("embedding", "'pixels'", "pixels")
    return (
        "The classifier whose features are compared was trained on the training images and not on held-out ones: "
        f"the two are not exchangeable in them; read the copies, and the other numbers with {pixels}.",
    )
