"""CMMD, MIND, the Inception Score and sFID, each beside what real images score in the place of the generated ones."""

from __future__ import annotations

from dataclasses import replace

from didlearn.arrays import Floats, Ints
from didlearn.audit.subject import Subject
from didlearn.checks.fidelity.intervals import DERIVATIVE, JACKKNIFE, exponential
from didlearn.checks.fidelity.measure import Sets, frechet_numbers, statistics_numbers
from didlearn.embeddings.base import Embedding
from didlearn.images.base import Images
from didlearn.result.values import Estimates
from didlearn.rng import Stream
from didlearn.statistics.fidelity.cmmd import cmmd_influence
from didlearn.statistics.fidelity.inception_score import are_probabilities, inception_influence
from didlearn.statistics.fidelity.mind import DIRECTIONS, mind_influence


def distance_numbers(sets: Sets, level: float, rng: Stream) -> Estimates:
    """Return CMMD and MIND from the held-out images, of generated and of as many training images."""
    found: Estimates = {}
    for name, rows in (("", sets.generated), ("_train", sets.train)):
        gaussian = cmmd_influence(real=sets.heldout, generated=rows)
        sliced = mind_influence(real=sets.heldout, generated=rows, rng=rng.numpy("directions"))
        method = f"Gaussian kernel of width 10, features of length 1, unbiased, times 1000; {JACKKNIFE}"
        found[f"cmmd{name}"] = gaussian.estimate(level, method)
        method = f"{DIRECTIONS} directions, at these numbers of images; {DERIVATIVE} and by the directions"
        found[f"mind{name}"] = sliced.estimate(level, method)
    return found


def class_numbers(subject: Subject, sets: Sets, chosen: Ints, heldout: Images, samples: int, level: float) -> Estimates:
    """Return the Inception Score of generated images and of as many held-out ones; nothing without a classifier.

    Args:
        sets: features of the images in the subject's embedding. chosen: (m,) which of the drawn images they are of.
        heldout: the held-out images they are of. samples: how many images were drawn.
    """
    pair = _class_scores(subject, sets, chosen, heldout, samples)
    if pair is None or pair[0].shape[1] < 2:
        return {}
    count = min(map(len, pair))
    named = subject.embedding if subject.embedding.head is not None else subject.classifier
    assert named is not None
    found: Estimates = {}
    for name, scores in zip(("", "_heldout"), pair, strict=True):
        pulled = inception_influence(scores[:count], probabilities=are_probabilities(scores))
        method = f"of {count} images at once, classes of {named.name}"
        found[f"inception_score{name}"] = exponential([pulled], pulled.log, level, method, "classes")
    return found


def _class_scores(
    subject: Subject, sets: Sets, chosen: Ints, heldout: Images, samples: int
) -> tuple[Floats, Floats] | None:
    """Return the class scores of generated and held-out images: of the embedding's own layer, or a classifier's."""
    head = subject.embedding.head
    if head is not None:
        return head.logits(sets.generated), head.logits(sets.heldout)
    if subject.classifier is None or subject.points:
        return None
    other = _beside(subject, subject.classifier)
    return other.drawn_features(samples)[chosen].astype(float), other.embed(heldout).astype(float)


def spatial_numbers(
    subject: Subject, chosen: Ints, heldout: Images, train: Images, samples: int, level: float
) -> Estimates:
    """Return sFID, the Fréchet distance of the embedding's feature maps, where it gives them.

    Args:
        chosen: (m,) which of the drawn images are compared. heldout, train: what with. samples: how many were drawn.
    """
    if subject.embedding.spatial is None:
        return {}
    other = _beside(subject, subject.embedding.spatial)
    rows = (other.embed(heldout), other.drawn_features(samples)[chosen], other.embed(train))
    found = frechet_numbers(Sets(*(features.astype(float) for features in rows)), level)
    return {f"spatial_{name}": found[name] for name in ("frechet_distance", "frechet_distance_train")}


def spatial_statistics_numbers(subject: Subject, samples: int, level: float) -> Estimates:
    """Return sFID from the ``mu_s`` and ``sigma_s`` of a statistics file, where there are both and the maps."""
    moments = None if subject.statistics is None else subject.statistics.spatial
    if moments is None or subject.embedding.spatial is None:
        return {}
    other = _beside(subject, subject.embedding.spatial)
    heldout = None if subject.heldout is None else other.embed(subject.heldout).astype(float)
    found = statistics_numbers(moments, other.drawn_features(samples).astype(float), heldout, level)
    return {f"spatial_{name}": estimate for name, estimate in found.items()}


def _beside(subject: Subject, embedding: Embedding) -> Subject:
    """Return the subject with another embedding, the same drawn images and features of its own, kept for who asks."""
    return subject.once(("beside", embedding.name), lambda: replace(subject, embedding=embedding, _features={}))
