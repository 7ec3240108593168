"""The numbers of copying: copies, distances to training images, preference for them, and authenticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from didlearn.arrays import Array, Flags, Floats, Ints, joined
from didlearn.audit.subject import Subject
from didlearn.checks.memorization.criterion import CopyCriterion
from didlearn.checks.memorization.disguised import Disguised, Limit
from didlearn.checks.nearest_images import nearest_images
from didlearn.checks.sameness import PERTURBED, perturbed_distances
from didlearn.images.base import Images
from didlearn.neighbors import Neighbors, nearest
from didlearn.parallel import limited_blas
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.copying.authenticity import authenticity, copied_fraction
from didlearn.statistics.copying.data_copying import CellCopying, DataCopying, data_copying
from didlearn.statistics.copying.excess import Matches, Rule, Rules
from didlearn.statistics.copying.placement import closer_than_heldout, copying_interval
from didlearn.statistics.copying.preference import training_preference
from didlearn.statistics.intervals import proportion

_AUTHENTIC = 2_000  # images of each kind: the search among training images is the dearest part of the check
_IMAGES_PER_CELL = 50


@dataclass(frozen=True)
class Located:
    """Images of one kind: their features (n, D) and their nearest training images."""

    features: Array
    near: Neighbors

    def first(self, count: int) -> Located:
        """Return the first ``count`` of them."""
        return Located(self.features[:count], Neighbors(self.near.distance[:count], self.near.index[:count]))


@dataclass(frozen=True)
class Everyone:
    """The samples, the held-out images, and the outside sets by name."""

    own: Located
    real: Located
    outside: dict[str, Located]


class Celled(NamedTuple):
    """Distances of images to their nearest training image (n,), and the cell of the training set each falls in (n,)."""

    distance: Floats
    cell: Ints

    def together(self) -> Celled:
        """Return the same in one cell."""
        return Celled(self.distance, np.zeros_like(self.cell))


class Pool(NamedTuple):
    """The nearest real image to each sample, training and held-out ones taken together.

    Attributes:
        distance: (n,) to it. nearest: (n,) its number in the pool, where training images come first.
        trained: (t + m,) whether each image of the pool was trained on.
    """

    distance: Floats
    nearest: Ints
    trained: Flags


class Copying(NamedTuple):
    """What the data-copying test says, and the cells it says it of; neither where there are too few images."""

    estimates: dict[str, Estimate]
    cells: tuple[CellCopying, ...]


def locate(subject: Subject, heldout: Images, samples: int) -> Everyone:
    """Find the nearest training image of everything, reading the training set once."""
    assert subject.train is not None
    outside_sets = [images.subset(range(min(len(images), samples))) for images in subject.comparable.values()]
    kinds = [subject.drawn_features(samples), *(subject.embed(images) for images in (heldout, *outside_sets))]
    near = nearest_images(subject.train, joined(kinds), subject.embed, device=subject.device)
    ends = np.cumsum([len(features) for features in kinds])[:-1]
    parts = zip(kinds, np.split(near.distance, ends), np.split(near.index, ends), strict=True)
    own, real, *outside = (Located(features, Neighbors(distance, index)) for features, distance, index in parts)
    return Everyone(own, real, dict(zip(subject.comparable, outside, strict=True)))


def changed_training(subject: Subject, rng: Stream) -> dict[str, Floats]:
    """Return the distances of some training images to their mild changes, by kind."""
    assert subject.train is not None
    chosen = subject.train.some(PERTURBED, rng.numpy("perturbed"))
    originals = subject.to_change(chosen.read_raw(range(len(chosen))))
    return perturbed_distances(originals, subject.embed(originals), subject.embed, subject.mild_changes)


class Copies(NamedTuple):
    """Matches by any rule, what no blur makes (nearer than the mildest change, or lossless), and to the last bit.

    ``hidden``: what lines up alone, ``None`` where nothing is looked for, or where lining up tells nothing.
    """

    within: Rules
    certain: Rules
    exact: Matches
    hidden: Rules | None = None


def count_copies(
    own: Floats, real: Floats, criterion: CopyCriterion, disguised: Disguised | None, *, honest: bool
) -> Copies:
    """Count copies.

    Args:
        own: (n,) distances of the samples to their nearest training image. real: (m,) those of held-out images.
        criterion: of a copy by distance. disguised: what lines up with training images, or ``None``.
        honest: whether the generator surely never saw the held-out images. Else only distances count as matches:
            whether what lines up is copied or smooth could not be told.
    """

    def matches(radius: float) -> Matches:
        ours, theirs = (int((distance <= radius).sum()) for distance in (own, real))
        return Matches(ours, len(own), theirs, len(real))

    within = (Rule(matches(criterion.threshold), 1.0),)
    certain = [Rule(matches(min(criterion.certain, criterion.threshold)), 1.0)]
    if disguised is not None:
        ours, theirs = disguised.lossless
        certain.append(Rule(Matches(int(ours.sum()), len(ours), int(theirs.sum()), len(theirs)), 1.0))
    hidden = [disguised.rule(limit) for limit in disguised.usable] if disguised is not None and honest else []
    aligned = Rules(tuple(hidden)) if hidden else None
    return Copies(Rules((*within, *hidden)), Rules(tuple(certain)), matches(0.0), aligned)


def chosen_limit(copies: Copies, disguised: Disguised | None, level: float) -> Limit | None:
    """Return the limit by which most copies are shown; ``None`` where the distance shows most."""
    best = copies.within.best(level)
    return None if disguised is None or best == 0 else disguised.usable[best - 1]


def copied_shares(copies: Copies, criterion: CopyCriterion, level: float) -> dict[str, Estimate]:
    """Return the shares of copies by each rule, the held-out images', and the threshold."""
    within, exact = copies.within.chosen(level).matches, copies.exact
    hidden = {} if copies.hidden is None else {"aligned_fraction": copies.hidden.fraction(level)}
    return {
        "copied_fraction": copies.within.fraction(level),
        **hidden,
        "copied_fraction_heldout": proportion(within.real, within.heldout, level),
        "certain_copies": copies.certain.fraction(level),
        "exact_copies": proportion(exact.own, exact.samples, level),
        "copy_threshold": criterion.estimate(level),
    }


def in_cells(subject: Subject, everyone: Everyone, samples: int, most: int, rng: Stream) -> tuple[Celled, Celled]:
    """Sort samples and held-out images into (at most ``most``) k-means cells of the training set."""
    assert subject.train is not None
    train = subject.train.some(samples, rng.numpy("cells"))
    cells = min(most, max(1, len(train) // _IMAGES_PER_CELL))
    # One thread: the last bits of the centres, and with them cells on a border, would depend on their number.
    with limited_blas(1):
        state = int(rng.numpy("k-means").integers(2**31))
        means = KMeans(cells, n_init=1, random_state=state).fit(np.asarray(subject.embed(train)))
        own, real = (
            Celled(group.near.distance, means.predict(np.asarray(group.features)).astype(np.int64))
            for group in (everyone.own, everyone.real)
        )
    return own, real


def measured_copying(own: Celled, real: Celled, level: float) -> Copying:
    """Run the data-copying test; in one cell where none holds enough samples and held-out images."""
    found = _tested(own, real)
    if found.cell_z is None:
        own, real = own.together(), real.together()
        found = _tested(own, real)
    if found.cell_z is None:
        return Copying({}, ())
    n = len(own.distance) + len(real.distance)
    low, high = copying_interval(found.cells, own, real, level)
    method = f"C_T over {sum(cell.z is not None for cell in found.cells)} cells, variance from placements"
    estimates = {
        "data_copying": Estimate(value=found.cell_z, low=low, high=high, level=level, n=n, method=method),
        "data_copying_pvalue": exactly(found.cell_p_copying, level, n, "normal law of C_T, one-sided"),
        "closer_than_heldout": closer_than_heldout(own.distance, real.distance, level),
    }
    return Copying(estimates, found.cells)


def _tested(own: Celled, real: Celled) -> DataCopying:
    return data_copying(
        generated=own.distance, heldout=real.distance, generated_cells=own.cell, heldout_cells=real.cell
    )


def pool_real(own: Located, real: Located, train: int, rng: Stream, device: str) -> Pool:
    """Pool the ``train`` training images and the held-out ones, and find the nearest of them to each sample.

    A picture that recurs on both sides is as near on either: chance says which it counts for, by the sides' sizes.
    """
    among = nearest(own.features, real.features, device=device)
    distance, index = among.distance.squeeze(1), among.index.squeeze(1)
    heads = rng.numpy("ties").random(len(distance)) < train / (train + len(real.features))
    from_train = (own.near.distance < distance) | ((own.near.distance == distance) & heads)
    return Pool(
        np.minimum(own.near.distance, distance),
        np.where(from_train, own.near.index, train + index),
        np.arange(train + len(real.features)) < train,
    )


def preferences(pool: Pool, matched: Ints, rng: Stream, level: float) -> dict[str, Estimate]:
    """Ask how often a training image is the nearest real one: to all samples, and to those that match one.

    Copies match training images alone. A generator that blurs comes near to everything, held-out images too.
    """
    share = float(pool.trained.mean())
    found = {"training_preference_expected": exactly(share, level, len(pool.nearest), "share of the pool", "fraction")}
    for name, chosen in (("training_preference", pool.nearest), ("match_preference", matched)):
        if len(chosen):
            tested = training_preference(chosen, pool.trained, rng.numpy(name), level)
            found[name] = tested.share
            found[f"{name}_pvalue"] = exactly(tested.pvalue, level, len(chosen), "exchange of labels, one-sided")
    return found


def matches_in(pool: Pool, threshold: float) -> Ints:
    """Return the real images, by their number in the pool, that samples match by distance."""
    return pool.nearest[pool.distance <= threshold]


def authenticities(subject: Subject, everyone: Everyone, level: float) -> dict[str, Estimate]:
    """Compare with how close the training images that were hit come to one another."""
    assert subject.train is not None
    own, real = everyone.own.first(_AUTHENTIC), everyone.real.first(_AUTHENTIC)
    hit = np.unique(np.concatenate([own.near.index, real.near.index]))
    features = subject.embed(subject.train.subset(hit))
    gap = nearest_images(subject.train, features, subject.embed, exclude=hit, device=subject.device).distance
    found = {
        name: authenticity(
            nearest_distance=group.near.distance,
            nearest_index=np.searchsorted(hit, group.near.index),
            train_gap=gap,
            level=level,
        )
        for name, group in (("authenticity", own), ("authenticity_heldout", real))
    }
    unlike = [(round((1 - share.point) * share.n), share.n) for share in found.values()]
    return found | {"copied_by_authenticity": copied_fraction(*unlike[0], *unlike[1], level)}
