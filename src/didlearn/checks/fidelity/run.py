"""Score generated and training images against held-out ones."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats, Ints
from didlearn.audit.check import share_of_error
from didlearn.audit.subject import Subject
from didlearn.checks.fidelity.check import FEWEST_COMPARED, Fidelity
from didlearn.checks.fidelity.classes import class_estimates, class_table, measured_classes
from didlearn.checks.fidelity.looks import look_numbers
from didlearn.checks.fidelity.measure import (
    Sets,
    frechet_numbers,
    kernel_numbers,
    manifold_numbers,
    statistics_numbers,
    vendi_numbers,
)
from didlearn.checks.fidelity.other_scores.numbers import (
    class_numbers,
    distance_numbers,
    spatial_numbers,
    spatial_statistics_numbers,
)
from didlearn.checks.fidelity.other_scores.table import other_table
from didlearn.checks.fidelity.page import bias_figure, far_gallery, score_table
from didlearn.checks.fidelity.verdict import Classes, FidelityLimits, judge_fidelity, nothing_to_compare
from didlearn.embeddings.classifier import ClassifierEmbedding
from didlearn.errors import UsageError
from didlearn.images.base import Images
from didlearn.models.base import Samples
from didlearn.models.faults import find_fault
from didlearn.naming import option
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimates, is_significant
from didlearn.result.words import number
from didlearn.rng import Stream

_STEPS = 6


def run_fidelity(check: Fidelity, subject: Subject, rng: Stream) -> CheckResult:
    """Score generated and training images against held-out ones."""
    if 1 / check.alpha > check.permutations + 1:
        raise UsageError(
            f"{check.permutations} permutations cannot reach p < {check.alpha:g}; give more than {1 / check.alpha:.0f}"
        )
    drawn = subject.draw(check.samples)
    real = subject.train if subject.train is not None else subject.heldout
    fault = find_fault(drawn, None if real is None else real.shape, FEWEST_COMPARED)
    if fault is not None:
        return fault.result(check.name)
    if subject.train is None or subject.heldout is None:
        return _from_statistics(check, subject, drawn)
    return _compare(check, subject, drawn, rng)


@one_thread()
def _from_statistics(check: Fidelity, subject: Subject, drawn: Samples) -> CheckResult:
    """Give the distance from a statistics file where real images are wanting, which decides nothing."""
    heldout = None if subject.heldout is None else subject.embed(subject.heldout).astype(np.float64)
    found = _statistics(check, subject, heldout)
    distance = number(found["frechet_distance_statistics"].point)
    images = number(len(drawn))
    both = f"{option('train')} and {option('heldout')}"
    reason = f"training and held-out images are wanting, without which nothing can be judged; give {both}"
    answer = f"Its Fréchet distance from the statistics given is {distance} at {images} images."
    notes = (*_statistics_notes(subject, found), *drawn.notes, *subject.embedding.notes)
    return CheckResult(check=check.name, verdict="measured", reason=reason, answer=answer, estimates=found, notes=notes)


def _statistics(check: Fidelity, subject: Subject, heldout: Floats | None) -> Estimates:
    if subject.statistics is None:
        return {}
    generated = subject.drawn_features(check.samples).astype(np.float64)
    found = statistics_numbers(subject.statistics, generated, heldout, check.level)
    return found | spatial_statistics_numbers(subject, check.samples, check.level)


def _statistics_notes(subject: Subject, found: Estimates) -> tuple[str, ...]:
    if subject.statistics is None:
        return ()
    said = "" if subject.statistics.embedding else (
        f"{subject.statistics.source} does not say which embedding it was made with; that it has as many features is "
        "all that was looked at. "
    )  # fmt: skip
    null = "" if "frechet_distance_statistics_heldout" in found else (
        "There are fewer held-out images than samples, so that the distance from the statistics file has no null "
        "beside it. "
    )  # fmt: skip
    aside = "" if subject.statistics.spatial is None or subject.embedding.spatial is not None else (
        f"{subject.statistics.source} also holds mu_s and sigma_s, which are of sFID's features and were left aside. "
    )  # fmt: skip
    return (f"{said}{null}{aside}The error of the statistics file itself is not known.",)


@one_thread()
def _compare(check: Fidelity, subject: Subject, drawn: Samples, rng: Stream) -> CheckResult:
    assert subject.heldout is not None
    assert subject.train is not None
    heldout = subject.heldout.some(check.samples, rng.numpy("heldout"))
    chosen = _chosen(subject, len(drawn), rng)
    train = subject.train.some(len(chosen), rng.numpy("train"))
    sets = _features(check, subject, chosen, heldout, train)
    if (sets.heldout == sets.heldout[0]).all():
        return CheckResult(check=check.name, **nothing_to_compare()._asdict())
    looks = {} if subject.points else look_numbers(drawn.images, heldout.read_raw(range(len(heldout))), check.level)
    found = _numbers(check, subject, sets, rng) | _statistics(check, subject, sets.heldout) | looks
    subject.progress(check.name, 5, _STEPS)
    found |= distance_numbers(sets, check.level, rng)
    found |= class_numbers(subject, sets, chosen, heldout, check.samples, check.level)
    found |= spatial_numbers(subject, chosen, heldout, train, check.samples, check.level)
    measured = measured_classes(subject, drawn, subject.drawn_features(check.samples), rng)
    classes = None if measured is None else Classes(*measured)
    parts = Parts(
        found | ({} if classes is None else class_estimates(*classes, check.level)),
        tables=(
            score_table(found),
            other_table(found),
            *(() if classes is None else (class_table(*classes, check.level),)),
        ),
        figures=(bias_figure(sets, rng.numpy("order")),),
        galleries=(far_gallery(sets, drawn.images, chosen, heldout, check.neighbors),),
        notes=(
            *_notes(subject, found, check.alpha),
            *_statistics_notes(subject, found),
            *drawn.notes,
            *subject.embedding.notes,
        ),
    )
    limits = FidelityLimits(
        check.tolerance, check.shift, check.alpha, check.detail, check.brightness, check.starved
    )  # fmt: skip
    decision = judge_fidelity(found, classes, limits, check.level, share_of_error(check))
    subject.progress(check.name, _STEPS, _STEPS)
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _chosen(subject: Subject, drawn: int, rng: Stream) -> Ints:
    """Choose as many generated images as there can be training images beside them."""
    assert subject.train is not None
    count = min(drawn, len(subject.train))
    return np.sort(rng.numpy("generated").permutation(drawn)[:count])


def _features(check: Fidelity, subject: Subject, chosen: Ints, heldout: Images, train: Images) -> Sets:
    subject.progress(check.name, 0, _STEPS)
    rows = (subject.embed(heldout), subject.drawn_features(check.samples)[chosen], subject.embed(train))
    return Sets(*(features.astype(np.float64) for features in rows))


def _numbers(check: Fidelity, subject: Subject, sets: Sets, rng: Stream) -> Estimates:
    subject.progress(check.name, 1, _STEPS)
    found = frechet_numbers(sets, check.level)
    subject.progress(check.name, 2, _STEPS)
    found |= kernel_numbers(sets, check.level, check.permutations, rng)
    subject.progress(check.name, 3, _STEPS)
    found |= manifold_numbers(sets, check.neighbors, check.level, rng)
    subject.progress(check.name, 4, _STEPS)
    return found | vendi_numbers(sets, check.level)


def _notes(subject: Subject, found: Estimates, alpha: float) -> tuple[str, ...]:
    notes = [
        "The Fréchet distance sees two moments only: sets of quite different images may agree in them. The gaussianity "
        "check says whether two moments describe these features."
    ]
    if is_significant(found["kernel_pvalue_train"], alpha):
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
