"""Find everyone's nearest training image, and compare generated with held-out images."""

from __future__ import annotations

import numpy as np

from didlearn.audit.subject import Subject
from didlearn.checks.memorization.check import FEWEST, Memorization
from didlearn.checks.memorization.criterion import calibrate_copies
from didlearn.checks.memorization.measure import Located, authenticities, copied_shares, data_copying, preferences
from didlearn.checks.memorization.page import closest_gallery, distance_figure
from didlearn.checks.memorization.verdict import judge_copying
from didlearn.checks.nearest_images import nearest_images
from didlearn.checks.sameness import perturbed_distances
from didlearn.embeddings import Embedding
from didlearn.embeddings.classifier import ClassifierEmbedding
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit
from didlearn.models.base import Samples
from didlearn.models.faults import find_fault
from didlearn.neighbors import Neighbors
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_PERTURBED = 400
_OWN, _REAL = "generated", "held-out"


def run_memorization(check: Memorization, subject: Subject, rng: Stream) -> CheckResult:
    """Find everyone's nearest training image, and compare generated with held-out images."""
    assert subject.train is not None
    drawn = subject.draw(check.samples)
    fault = find_fault(drawn, subject.train.shape, FEWEST)
    if fault is not None:
        return fault.result(check.name)
    return _measure(check, subject, drawn, rng)


def _measure(check: Memorization, subject: Subject, drawn: Samples, rng: Stream) -> CheckResult:
    assert subject.train is not None
    assert subject.heldout is not None
    train, heldout = subject.train, subject.heldout.some(check.samples, rng.numpy("heldout"))
    groups = _groups(check, subject, heldout)
    subject.progress(check.name, 1, 5)
    own, real = groups[_OWN], groups[_REAL]
    originals = eight_bit(train.some(_PERTURBED, rng.numpy("perturbed")).read_raw(range(min(_PERTURBED, len(train)))))
    perturbed = perturbed_distances(originals, subject.embed(originals), subject.embed)
    criterion = calibrate_copies(real.near.distance, perturbed, check.false_copies, check.threshold)
    subject.progress(check.name, 2, 5)
    copying = data_copying(subject, own, real, check.samples, check.cells, rng, check.level)
    subject.progress(check.name, 3, 5)
    estimates = copied_shares(own, real, criterion, check.level) | authenticities(subject, own, real, check.level)
    subject.progress(check.name, 4, 5)
    estimates |= copying.estimates | preferences(subject, own, real, criterion.threshold, rng, check.level)
    outside = {name: group.near.distance for name, group in groups.items() if name not in (_OWN, _REAL)}
    parts = Parts(
        estimates,
        tables=copying.tables,
        figures=(distance_figure(own.near, real.near, outside, perturbed, criterion.threshold),),
        galleries=(closest_gallery(drawn.images, own.near, heldout, real.near, train),),
        notes=(
            f"A copy lies within {criterion.threshold:.4g}: {criterion.because}.",
            *drawn.notes,
            *subject.embedding.notes,
            *_trained_note(subject.embedding),
            *subject.left_out,
        ),
        arrays={"generated_distance": own.near.distance, "generated_index": own.near.index}
        | {"heldout_distance": real.near.distance, "heldout_index": real.near.index},
    )
    subject.progress(check.name, 5, 5)
    decision = judge_copying(estimates, check.tolerance, check.alpha, honest=not subject.split_off)
    return CheckResult(check=check.name, **decision._asdict(), **parts.fields())


def _groups(check: Memorization, subject: Subject, heldout: Images) -> dict[str, Located]:
    """Find the nearest training image of everything, reading the training set once."""
    assert subject.train is not None
    features = {_OWN: subject.drawn_features(check.samples), _REAL: subject.embed(heldout)}
    for name, images in subject.comparable.items():
        features[name] = subject.embed(images.subset(range(min(len(images), check.samples))))
    stacked = np.concatenate(list(features.values()))
    near = nearest_images(subject.train, stacked, subject.embed, device=subject.device)
    ends = np.cumsum([len(f) for f in features.values()])
    return {
        name: Located(f, Neighbors(near.distance[end - len(f) : end], near.index[end - len(f) : end]))
        for (name, f), end in zip(features.items(), ends, strict=True)
    }


def _trained_note(embedding: Embedding) -> tuple[str, ...]:
    if not isinstance(embedding, ClassifierEmbedding):
        return ()
    return (
        "The classifier whose features are compared was trained on the training images and not on held-out ones: "
        "the two are not exchangeable in them; read the copies, and the other numbers with --embedding pixels.",
    )
