"""Does the generator copy its training set?

Four answers, each against what independent held-out images do: the share of samples within the copy threshold of a
training image; the data-copying test of Meehan, Chaudhuri & Dasgupta (2020) on distances to the nearest training
image; authenticity (after Alaa et al. 2022); and whether samples are nearer to training images than to as many
held-out ones, which no blur can fake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from didlearn.arrays import Array
from didlearn.audit.check import Check, register
from didlearn.audit.subject import Subject
from didlearn.checks.memorization.criterion import CopyCriterion, calibrate_copies
from didlearn.checks.memorization.page import closest_gallery, copying_parts, distance_figure
from didlearn.checks.memorization.verdict import judge_copying
from didlearn.checks.nearest_images import nearest_images
from didlearn.checks.sameness import perturbed_distances
from didlearn.embeddings import Embedding
from didlearn.embeddings.classifier import ClassifierEmbedding
from didlearn.images.base import Images
from didlearn.images.picture import eight_bit
from didlearn.models.base import Samples
from didlearn.models.faults import find_fault
from didlearn.neighbors import Neighbors, nearest
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult, Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.copying.authenticity import authenticity, copied_fraction
from didlearn.statistics.copying.preference import training_preference
from didlearn.statistics.intervals import proportion

_PERTURBED = 400
_FEWEST = 20
_AUTHENTIC = 2_000  # images of each kind: the search among training images is the dearest part of the check
_OWN, _REAL = "generated", "held-out"


@dataclass(frozen=True)
class Group:
    """Images of one kind: their features (n, D) and their nearest training images."""

    features: Array
    near: Neighbors

    def first(self, count: int) -> Group:
        """Return the first ``count`` of them."""
        return Group(self.features[:count], Neighbors(self.near.distance[:count], self.near.index[:count]))


@register
@dataclass(frozen=True)
class Memorization(Check):
    """Copies of training images, and what is too near to them.

    Attributes:
        samples: images drawn from the generator, and at most as many held-out ones.
        tolerance: the share of copies that is still no copying.
        alpha: significance at which the data-copying test and the training preference, together, are a failure.
        false_copies: share of independent held-out images the calibrated threshold may call copies.
        threshold: distance at or below which an image is a copy; calibrated when ``None``.
        cells: k-means cells of the training set in the data-copying test.
        level: confidence level of every interval.
    """

    name: ClassVar[str] = "memorization"
    question: ClassVar[str] = "Does the generator copy its training set?"
    position: ClassVar[int] = 2

    samples: int = 10_000
    tolerance: float = 0.01
    alpha: float = 0.01
    false_copies: float = 0.001
    threshold: float | None = None
    cells: int = 20
    level: float = 0.95

    def missing(self, subject: Subject) -> str | None:
        """Return what is missing: a generator, its training images, and held-out ones as the null."""
        if subject.model is None:
            return "there is no generator; give one with --generator"
        if subject.train is None or len(subject.train) < 2:
            return "there are no training images; give them with --train"
        if subject.heldout is None or len(subject.heldout) < _FEWEST:
            count = 0 if subject.heldout is None else len(subject.heldout)
            return (
                f"{count} held-out images are too few to read distances against; give at least {_FEWEST} with --heldout"
            )
        return None

    def run(self, subject: Subject, rng: Stream) -> CheckResult:
        """Find everyone's nearest training image, and compare generated with held-out images."""
        assert subject.train is not None
        drawn = subject.draw(self.samples)
        fault = find_fault(drawn, subject.train.shape, _FEWEST)
        if fault is not None:
            return fault.result(self.name)
        return self._measure(subject, drawn, rng)

    def _measure(self, subject: Subject, drawn: Samples, rng: Stream) -> CheckResult:
        assert subject.train is not None
        assert subject.heldout is not None
        train, heldout = subject.train, subject.heldout.some(self.samples, rng.numpy("heldout"))
        groups = self._groups(subject, heldout)
        subject.progress(self.name, 1, 5)
        own, real = groups[_OWN], groups[_REAL]
        originals = eight_bit(
            train.some(_PERTURBED, rng.numpy("perturbed")).read_raw(range(min(_PERTURBED, len(train))))
        )
        perturbed = perturbed_distances(originals, subject.embed(originals), subject.embed)
        criterion = calibrate_copies(real.near.distance, perturbed, self.false_copies, self.threshold)
        subject.progress(self.name, 2, 5)
        copying = self._data_copying(subject, own, real, rng)
        subject.progress(self.name, 3, 5)
        estimates = self._copies(own, real, criterion) | self._authenticity(subject, own, real)
        subject.progress(self.name, 4, 5)
        estimates |= copying.estimates | self._preference(subject, own, real, criterion.threshold, rng)
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
        subject.progress(self.name, 5, 5)
        decision = judge_copying(estimates, self.tolerance, self.alpha, honest=not subject.split_off)
        return CheckResult(check=self.name, **decision._asdict(), **parts.fields())

    def _groups(self, subject: Subject, heldout: Images) -> dict[str, Group]:
        """Find the nearest training image of everything, reading the training set once."""
        assert subject.train is not None
        features = {_OWN: subject.drawn_features(self.samples), _REAL: subject.embed(heldout)}
        for name, images in subject.comparable.items():
            features[name] = subject.embed(images.subset(range(min(len(images), self.samples))))
        stacked = np.concatenate(list(features.values()))
        near = nearest_images(subject.train, stacked, subject.embed, device=subject.device)
        ends = np.cumsum([len(f) for f in features.values()])
        return {
            name: Group(f, Neighbors(near.distance[end - len(f) : end], near.index[end - len(f) : end]))
            for (name, f), end in zip(features.items(), ends, strict=True)
        }

    def _data_copying(self, subject: Subject, own: Group, real: Group, rng: Stream) -> Parts:
        """Run the data-copying test over k-means cells of the training set."""
        assert subject.train is not None
        train = subject.train.some(self.samples, rng.numpy("cells"))
        cells = min(self.cells, max(1, len(train) // 50))
        # One thread: the last bits of the centres, and with them cells on a border, would depend on their number.
        with threadpool_limits(1):
            state = int(rng.numpy("k-means").integers(2**31))
            means = KMeans(cells, n_init=1, random_state=state).fit(subject.embed(train))
            ours, theirs = (means.predict(group.features).astype(np.int64) for group in (own, real))
        return copying_parts((own.near.distance, ours), (real.near.distance, theirs), self.level)

    def _preference(
        self, subject: Subject, own: Group, real: Group, threshold: float, rng: Stream
    ) -> dict[str, Estimate]:
        """Pool training and held-out images, and ask which of them is nearest: to all samples, and to the matched ones.

        Copies match training images alone. A generator that blurs comes near to everything, held-out images too.
        """
        assert subject.train is not None
        among_heldout = nearest(own.features, real.features, device=subject.device)
        closest = np.minimum(own.near.distance, among_heldout.distance[:, 0])
        from_train = own.near.distance <= among_heldout.distance[:, 0]
        pool = np.where(from_train, own.near.index, len(subject.train) + among_heldout.index[:, 0])
        trained = np.arange(len(subject.train) + len(real.features)) < len(subject.train)
        share = float(trained.mean())
        found = {"training_preference_expected": exactly(share, self.level, len(pool), "share of the pool", "fraction")}
        for name, chosen in (("training_preference", pool), ("match_preference", pool[closest <= threshold])):
            if not len(chosen):
                continue
            tested = training_preference(chosen, trained, rng.numpy(name), self.level)
            method = "exchange of labels, one-sided"
            found[name] = tested.share
            found[f"{name}_pvalue"] = exactly(tested.pvalue, self.level, len(chosen), method)
        return found

    def _copies(self, own: Group, real: Group, criterion: CopyCriterion) -> dict[str, Estimate]:
        def share(radius: float) -> Estimate:
            ours, theirs = (int((g.near.distance <= radius).sum()) for g in (own, real))
            return copied_fraction(ours, len(own.features), theirs, len(real.features), self.level)

        by_chance = int((real.near.distance <= criterion.threshold).sum())
        return {
            "copied_fraction": share(criterion.threshold),
            "copied_fraction_heldout": proportion(by_chance, len(real.features), self.level),
            "certain_copies": share(min(criterion.certain, criterion.threshold)),
            "copy_threshold": criterion.estimate(self.level),
        }

    def _authenticity(self, subject: Subject, own: Group, real: Group) -> dict[str, Estimate]:
        """Compare with how close the training images that were hit come to one another."""
        assert subject.train is not None
        own, real = own.first(_AUTHENTIC), real.first(_AUTHENTIC)
        hit = np.unique(np.concatenate([own.near.index, real.near.index]))
        features = subject.embed(subject.train.subset(hit))
        gap = nearest_images(subject.train, features, subject.embed, exclude=hit, device=subject.device).distance
        return {
            name: authenticity(
                nearest_distance=group.near.distance,
                nearest_index=np.searchsorted(hit, group.near.index),
                train_gap=gap,
                level=self.level,
            )
            for name, group in (("authenticity", own), ("authenticity_heldout", real))
        }


def _trained_note(embedding: Embedding) -> tuple[str, ...]:
    if not isinstance(embedding, ClassifierEmbedding):
        return ()
    return (
        "The classifier whose features are compared was trained on the training images and not on held-out ones: "
        "the two are not exchangeable in them; read the copies, and the other numbers with --embedding pixels.",
    )
