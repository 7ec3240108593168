"""Test generated and held-out features, in every embedding."""

from __future__ import annotations

import math

from didlearn.audit.subject import Subject
from didlearn.checks.feature_groups import FEWEST_ROWS, OWN, REAL, FeatureGroup, feature_groups
from didlearn.checks.gaussianity.battery import Battery, run_battery
from didlearn.checks.gaussianity.check import Gaussianity
from didlearn.checks.gaussianity.measure import battery_estimates
from didlearn.checks.gaussianity.page import battery_figures, battery_tables
from didlearn.checks.gaussianity.verdict import (
    TESTS,
    GaussianityLimits,
    agreed,
    judge_features,
    judge_unfit,
    only_described,
)
from didlearn.embeddings import Embedding, open_embedding
from didlearn.errors import UsageError
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Decision, Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream


@one_thread()
def run_gaussianity(check: Gaussianity, subject: Subject, rng: Stream) -> CheckResult:
    """Test generated and held-out features, in every embedding."""
    if TESTS / check.alpha > check.replicates + 1:
        raise UsageError(
            f"{check.replicates} replicates cannot reject at alpha = {check.alpha:g} shared by {TESTS} tests; "
            f"give at least {math.ceil(TESTS / check.alpha) - 1}"
        )
    shape = None if subject.heldout is None else subject.heldout.shape
    fault = find_fault(subject.draw(check.samples), shape, FEWEST_ROWS)
    if fault is not None:
        return fault.result(check.name)
    parts, batteries, decisions = Parts(), dict[str, list[Battery]](), dict[str, Decision]()
    for number, (name, embedding) in enumerate(_spaces(subject, check.embeddings)):
        groups = feature_groups(subject, embedding, check.samples, check.dimension, rng.child("rows"))
        unfit = judge_unfit(groups[OWN])
        if unfit is not None:
            decisions[name] = unfit
            continue
        found, notes = _run_batteries(check, subject, groups, number, rng)
        estimates = {key: e for battery in found for key, e in battery_estimates(battery, check.level).items()}
        batteries[name] = found
        limits = GaussianityLimits(check.alpha, check.tolerance, check.fluctuation)
        decisions[name] = judge_features(estimates, found[0], limits)
        parts += Parts({} if number else estimates, notes=notes) + battery_figures(found, name, number)
    notes = (*_class_note(subject), *subject.draw(check.samples).notes, *subject.embedding.notes)
    tables = battery_tables(batteries) if batteries else Parts()
    return CheckResult(
        check=check.name,
        **only_described(agreed(decisions))._asdict(),
        **(parts + tables + Parts(notes=notes)).fields(),
    )


def _run_batteries(
    check: Gaussianity, subject: Subject, groups: dict[str, FeatureGroup], number: int, rng: Stream
) -> tuple[list[Battery], tuple[str, ...]]:
    """Test each group that can be tested, with equally large Gram matrices."""
    notes = tuple(note for group in groups.values() for note in (*group.notes, *_repeats(group)))
    fit = [groups[OWN]]
    if REAL in groups:
        unfit = judge_unfit(groups[REAL])
        fit += [groups[REAL]] if unfit is None else []
        notes += () if unfit is None else (f"Held-out images were left out: {unfit.reason}.",)
    tested = min([check.tested, *(len(group.features) // 2 for group in fit)])
    found = []
    for i, group in enumerate(fit):
        subject.progress(f"{check.name}: {group.name}", i, len(fit))
        stream = rng.child(group.name, number)
        found.append(run_battery(group, tested, check.replicates, stream, len(fit[-1].features), subject.records))
    return found, notes


def _spaces(subject: Subject, further: tuple[str, ...]) -> list[tuple[str, Embedding | None]]:
    opened = [
        open_embedding(
            spec,
            train=subject.train,
            heldout=subject.heldout,
            trust_code=subject.trust_code,
            cache=None if subject.workdir is None else subject.workdir / "cache",
            seed=subject.seed,
            device=subject.device,
            threads=subject.threads,
        )
        for spec in further
    ]
    named = [(embedding.name, embedding) for embedding in opened if embedding.name != subject.embedding.name]
    return [(subject.embedding.name, None), *named]


def _repeats(group: FeatureGroup) -> tuple[str, ...]:
    """Say how many rows are repeats: a few of them no spectrum shows."""
    if not group.repeats:
        return ()
    return (
        f"{group.repeats} of {len(group.features)} {group.name} images have exactly the features of another; the tests "
        "hardly see a few of those (the support and memorization checks do).",
    )


def _class_note(subject: Subject) -> tuple[str, ...]:
    assert subject.model is not None
    if subject.model.classes:
        return ()
    return (
        "The generator has no classes, so its images are compared with one Gaussian, as the Fréchet distance does; "
        "classes that lie apart are then themselves a deviation.",
    )
