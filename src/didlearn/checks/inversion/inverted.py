"""Which images are inverted, and what became of each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Array, Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import heldout_images, outside_images, pixel_variance, pixels
from didlearn.checks.image_classes import labelled_classes, own_classes
from didlearn.checks.inverting import SearchEffort, find
from didlearn.checks.targets import shifted, shuffled, shuffled_columns
from didlearn.images.base import Images
from didlearn.inversion.invert import Inversion
from didlearn.result.values import Role
from didlearn.rng import Stream

_SHIFT = 2
_CONSTANT = 1e-12  # the least variance: a constant image has none


@dataclass(frozen=True, eq=False)
class Inverted:
    """Images (n, C, H, W) of one kind, and the nearest points found.

    Attributes:
        role: their colour. images: the targets.
        found: by the better search. published: by the published protocol, or ``None``.
        index: (n,) which of the training images these are, where they are.
        classes: (n,) the class each was inverted under; ``None``: the generator has none, or all were tried.
    """

    role: Role
    images: Singles
    found: Inversion
    published: Inversion | None = None
    index: Ints | None = None
    classes: Ints | None = None


class Wanted(NamedTuple):
    """A group to invert."""

    role: Role
    images: Singles
    places: Ints | None = None
    classes: Ints | None = None


def invert_groups(
    subject: Subject, count: int, effort: SearchEffort, published: bool, rng: Stream, every: bool = False
) -> dict[str, Inverted]:
    """Invert ``count`` training, held-out and generated images, of each outside set, and of half as many controls."""
    return {
        name: Inverted(
            group.role,
            group.images,
            find(subject, name, group.images, effort, labels=group.classes),
            find(subject, name, group.images, effort, "adam", labels=group.classes) if published else None,
            group.places,
            group.classes,
        )
        for name, group in choose_groups(subject, count, rng, every).items()
    }


def choose_groups(subject: Subject, count: int, rng: Stream, every: bool = False) -> dict[str, Wanted]:
    """Choose the images, each with the class it is inverted under unless ``every`` one is to be tried.

    Held-out and outside images are those that every check of this subject takes, so that none is inverted twice.
    """
    assert subject.train is not None
    index = np.sort(rng.numpy("train").permutation(len(subject.train))[:count])
    chosen = subject.train.subset(index)
    train = pixels(chosen)
    wanted = {"train": Wanted("train", train, index, labelled_classes(subject, chosen, train, every))}
    if subject.heldout is not None:
        wanted["held-out"] = _real(subject, "heldout", heldout_images(subject, count), every)
    drawn = subject.draw(count)
    own = _as_floats(drawn.images)
    wanted["generated"] = Wanted("generated", own, None, own_classes(subject, own, drawn.labels, every))
    wanted |= {
        name: _real(subject, "outside", images, every) for name, images in outside_images(subject, count).items()
    }
    half, classes = train[: max(1, count // 2)], wanted["train"].classes
    under = None if classes is None else classes[: len(half)]
    if not subject.points:
        wanted["shifted"] = Wanted("perturbed", shifted(half, _SHIFT), None, under)
    noise = shuffled_columns if subject.points else shuffled
    wanted["noise"] = Wanted("other", noise(half, rng.numpy("noise")), None, under)
    return wanted


def _real(subject: Subject, role: Role, images: Images, every: bool) -> Wanted:
    read = pixels(images)
    return Wanted(role, read, None, labelled_classes(subject, images, read, every))


def _as_floats(images: Array) -> Singles:
    """Return images as float32, 8-bit ones in [0, 1]."""
    return images.astype(np.float32) / np.float32(255) if images.dtype == np.uint8 else images.astype(np.float32)


def relative_error(found: Inversion, images: Singles) -> Floats:
    """Each image's error over the variance of its pixels, (n,)."""
    return found.error / np.maximum(pixel_variance(images), _CONSTANT)
