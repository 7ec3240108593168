"""The numbers of copying: copies, distances to training images, preference for them, and authenticity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.memorization.criterion import CopyCriterion
from didlearn.checks.memorization.page import copying_parts
from didlearn.checks.nearest_images import nearest_images
from didlearn.neighbors import Neighbors, nearest
from didlearn.result.parts import Parts
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.copying.authenticity import authenticity, copied_fraction
from didlearn.statistics.copying.preference import training_preference
from didlearn.statistics.intervals import proportion

_AUTHENTIC = 2_000  # images of each kind: the search among training images is the dearest part of the check


@dataclass(frozen=True)
class Located:
    """Images of one kind: their features (n, D) and their nearest training images."""

    features: Array
    near: Neighbors

    def first(self, count: int) -> Located:
        """Return the first ``count`` of them."""
        return Located(self.features[:count], Neighbors(self.near.distance[:count], self.near.index[:count]))


def copied_shares(own: Located, real: Located, criterion: CopyCriterion, level: float) -> dict[str, Estimate]:
    """Count copies among generated and held-out images: within the threshold, and closer than any change brings one."""

    def share(radius: float) -> Estimate:
        ours, theirs = (int((g.near.distance <= radius).sum()) for g in (own, real))
        return copied_fraction(ours, len(own.features), theirs, len(real.features), level)

    by_chance = int((real.near.distance <= criterion.threshold).sum())
    return {
        "copied_fraction": share(criterion.threshold),
        "copied_fraction_heldout": proportion(by_chance, len(real.features), level),
        "certain_copies": share(min(criterion.certain, criterion.threshold)),
        "copy_threshold": criterion.estimate(level),
    }


def data_copying(
    subject: Subject, own: Located, real: Located, samples: int, most_cells: int, rng: Stream, level: float
) -> Parts:
    """Run the data-copying test over k-means cells of the training set."""
    assert subject.train is not None
    train = subject.train.some(samples, rng.numpy("cells"))
    cells = min(most_cells, max(1, len(train) // 50))
    # One thread: the last bits of the centres, and with them cells on a border, would depend on their number.
    with threadpool_limits(1):
        state = int(rng.numpy("k-means").integers(2**31))
        means = KMeans(cells, n_init=1, random_state=state).fit(subject.embed(train))
        ours, theirs = (means.predict(group.features).astype(np.int64) for group in (own, real))
    return copying_parts((own.near.distance, ours), (real.near.distance, theirs), level)


def preferences(
    subject: Subject, own: Located, real: Located, threshold: float, rng: Stream, level: float
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
    found = {"training_preference_expected": exactly(share, level, len(pool), "share of the pool", "fraction")}
    for name, chosen in (("training_preference", pool), ("match_preference", pool[closest <= threshold])):
        if not len(chosen):
            continue
        tested = training_preference(chosen, trained, rng.numpy(name), level)
        method = "exchange of labels, one-sided"
        found[name] = tested.share
        found[f"{name}_pvalue"] = exactly(tested.pvalue, level, len(chosen), method)
    return found


def authenticities(subject: Subject, own: Located, real: Located, level: float) -> dict[str, Estimate]:
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
            level=level,
        )
        for name, group in (("authenticity", own), ("authenticity_heldout", real))
    }
