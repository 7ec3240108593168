"""Features of generated and of held-out images, by class, split into rows that are tested and fresh ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from didlearn.arrays import Bytes, Flags, Floats, Ints
from didlearn.audit.subject import Subject
from didlearn.embeddings import Embedding, embed
from didlearn.images.base import Images
from didlearn.random_matrix import pivotal_samples
from didlearn.rng import Stream

OWN, REAL = "generated", "held-out"
FEWEST_ROWS = pivotal_samples().per_class


@dataclass(frozen=True, eq=False)
class FeatureGroup:
    """Features of one kind of images.

    Attributes:
        name: what to call it. role: its colour.
        features: (N, p) float64, shuffled, projected where there were more than p of them.
        labels: (N,), or ``None`` where all are one class. names: (k,) of the classes.
        repeats: images whose features, before any projection, are exactly those of an earlier one.
        width: features before the projection. notes: what was left out.
    """

    name: str
    role: Literal["generated", "heldout"]
    features: Floats
    labels: Ints | None
    names: tuple[str, ...]
    repeats: int
    width: int
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Ints:
        """Rows of each class, (k,)."""
        return np.array([len(self.features)]) if self.labels is None else np.bincount(self.labels)

    def split(self, tested: int) -> tuple[Flags, Ints]:
        """Return which rows are tested, (N,), about ``tested`` in all, and how many of each class, (k,).

        At least as many rows of a class stay fresh.
        """
        known = np.zeros(len(self.features), np.int64) if self.labels is None else self.labels
        share = tested / len(known)
        wanted = np.minimum(np.maximum(np.round(share * self.counts), 2), self.counts // 2).astype(np.int64)
        order = np.argsort(known, kind="stable")
        place = np.arange(len(known)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        chosen = np.empty(len(known), bool)
        chosen[order] = place < wanted[known[order]]
        return chosen, wanted


def feature_groups(
    subject: Subject, embedding: Embedding | None, samples: int, dimension: int, rng: Stream
) -> dict[str, FeatureGroup]:
    """Return generated images' features and, with held-out images, theirs.

    Args:
        subject: what is audited. embedding: the space; the subject's own when ``None``.
        samples: images of each kind at most.
        dimension: features are projected at random, both kinds alike, if there are more than this.
        rng: of the order of rows and the projection.
    """
    drawn = subject.draw(samples)
    found = {OWN: _group(OWN, _generated(subject, embedding, samples), drawn.labels, subject.drawn_classes, rng)}
    if subject.heldout is not None and len(subject.heldout):
        heldout = subject.heldout.some(samples, rng.numpy("held-out"))
        labels = None if drawn.labels is None else heldout.labels
        if drawn.labels is None or labels is not None:
            found[REAL] = _group(REAL, _of_images(subject, embedding, heldout), labels, heldout.classes, rng)
    return {name: _projected(group, dimension, rng) for name, group in found.items()}


def _generated(subject: Subject, embedding: Embedding | None, samples: int) -> Floats:
    if embedding is None:
        return subject.drawn_features(samples).astype(np.float64)
    return _apply(subject, embedding, subject.draw(samples).images)


def _of_images(subject: Subject, embedding: Embedding | None, images: Images) -> Floats:
    if embedding is None:
        return subject.embed(images).astype(np.float64)
    return _apply(subject, embedding, images)


def _apply(subject: Subject, embedding: Embedding, images: Images | Bytes) -> Floats:
    found = embed(embedding, images, device=subject.device, batch_size=subject.batch_size, threads=subject.threads)
    return found.astype(np.float64)


def _group(
    name: str, features: Floats, labels: Ints | None, names: tuple[str, ...] | None, rng: Stream
) -> FeatureGroup:
    order = rng.numpy("order", name).permutation(len(features))
    features = features[order]
    whole = FeatureGroup(
        name=name,
        role="generated" if name == OWN else "heldout",
        features=features,
        labels=None,
        names=("all",),
        repeats=_repeats_among(features),
        width=features.shape[1],
    )
    return whole if labels is None else _by_class(whole, labels[order], names)


def _repeats_among(features: Floats) -> int:
    """Return how many rows (N, p) are exactly an earlier one."""
    return len(features) - len({row.tobytes() for row in features})


def _by_class(group: FeatureGroup, known: Ints, names: tuple[str, ...] | None) -> FeatureGroup:
    """Return the group by its rows' classes, (N,); those of too few rows are left out and named."""
    counts = np.bincount(known)
    kept = np.flatnonzero(counts >= FEWEST_ROWS)
    called = [str(c) if names is None or c >= len(names) else names[c] for c in range(len(counts))]
    few = ", ".join(called[c] for c in range(len(counts)) if counts[c] < FEWEST_ROWS)
    note = f"{group.name}: classes with fewer than {FEWEST_ROWS} images were left out: {few}."
    rows = np.isin(known, kept)
    features = group.features[rows]
    return replace(
        group,
        features=features,
        repeats=_repeats_among(features),
        labels=np.searchsorted(kept, known[rows]).astype(np.int64),
        names=tuple(called[c] for c in kept),
        notes=(note,) if few else (),
    )


def _projected(group: FeatureGroup, dimension: int, rng: Stream) -> FeatureGroup:
    if group.width <= dimension:
        return group
    directions = np.linalg.qr(rng.numpy("projection", group.width).normal(size=(group.width, dimension)))[0]
    return replace(group, features=group.features @ directions)
