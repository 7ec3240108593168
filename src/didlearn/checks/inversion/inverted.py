"""Which images are inverted, and what became of each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Array, Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import heldout_images, outside_pixels, pixel_variance, pixels
from didlearn.checks.inverting import SearchEffort, find
from didlearn.checks.targets import shifted, shuffled
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
    """

    role: Role
    images: Singles
    found: Inversion
    published: Inversion | None = None
    index: Ints | None = None


class Wanted(NamedTuple):
    """A group to invert."""

    role: Role
    images: Singles
    places: Ints | None = None


def invert_groups(
    subject: Subject, count: int, effort: SearchEffort, published: bool, rng: Stream
) -> dict[str, Inverted]:
    """Invert ``count`` training, held-out and generated images, of each outside set, and of half as many controls."""
    return {
        name: Inverted(
            group.role,
            group.images,
            find(subject, name, group.images, effort),
            find(subject, name, group.images, effort, "adam") if published else None,
            group.places,
        )
        for name, group in choose_groups(subject, count, rng).items()
    }


def choose_groups(subject: Subject, count: int, rng: Stream) -> dict[str, Wanted]:
    """Choose the images.

    Held-out and outside images are those that every check of this subject takes, so that none is inverted twice.
    """
    assert subject.train is not None
    index = np.sort(rng.numpy("train").permutation(len(subject.train))[:count])
    train = pixels(subject.train.subset(index))
    wanted = {"train": Wanted("train", train, index)}
    if subject.heldout is not None:
        wanted["held-out"] = Wanted("heldout", pixels(heldout_images(subject, count)))
    wanted["generated"] = Wanted("generated", _as_floats(subject.draw(count).images))
    wanted |= {name: Wanted("outside", images) for name, images in outside_pixels(subject, count).items()}
    half = train[: max(1, count // 2)]
    wanted["shifted"] = Wanted("perturbed", shifted(half, _SHIFT))
    wanted["noise"] = Wanted("other", shuffled(half, rng.numpy("noise")))
    return wanted


def _as_floats(images: Array) -> Singles:
    """Return images as float32, 8-bit ones in [0, 1]."""
    return images.astype(np.float32) / np.float32(255) if images.dtype == np.uint8 else images.astype(np.float32)


def relative_error(found: Inversion, images: Singles) -> Floats:
    """Each image's error over the variance of its pixels, (n,)."""
    return found.error / np.maximum(pixel_variance(images), _CONSTANT)
