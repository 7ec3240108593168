"""Which images are inverted, and what became of each group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.inverting import Effort, find
from didlearn.checks.targets import shifted, shuffled
from didlearn.images.base import Images
from didlearn.inversion.invert import Inversion
from didlearn.result.values import Role
from didlearn.rng import Stream

_SHIFT = 2


@dataclass(frozen=True, eq=False)
class Group:
    """Images (n, C, H, W) float32 of one kind, and the nearest points found.

    Attributes:
        name: what to call them. role: their colour. images: the targets.
        found: by the better search. published: by the published protocol, or ``None``.
        index: (n,) which of the training images these are, where they are.
    """

    name: str
    role: Role
    images: Array
    found: Inversion
    published: Inversion | None = None
    index: Array | None = None

    @property
    def variance(self) -> Array:
        """The variance of each image's pixels, (n,)."""
        return self.images.reshape(len(self.images), -1).astype(np.float64).var(axis=1)


def image_groups(subject: Subject, count: int, effort: Effort, published: bool, rng: Stream) -> dict[str, Group]:
    """Invert ``count`` training, held-out and generated images, of each outside set, and of half as many controls.

    Held-out and outside images are those that every check of this subject takes, so that none is inverted twice.
    """
    assert subject.train is not None
    index = np.sort(rng.numpy("train").permutation(len(subject.train))[:count])
    wanted: list[tuple[str, Role, Array]] = [("train", "train", pixels(subject.train.subset(index)))]
    if subject.heldout is not None:
        wanted.append(("held-out", "heldout", _heldout_pixels(subject, count)))
    wanted.append(("generated", "generated", as_floats(subject.draw(count).images)))
    wanted += [(name, "outside", images) for name, images in outside_pixels(subject, count).items()]
    half = wanted[0][2][: max(1, count // 2)]
    wanted.append(("shifted", "perturbed", shifted(half, _SHIFT)))
    wanted.append(("noise", "other", shuffled(half, rng.numpy("noise"))))
    return {
        name: Group(
            name,
            role,
            images,
            find(subject, name, images, effort),
            find(subject, name, images, effort, "adam") if published else None,
            index if name == "train" else None,
        )
        for name, role, images in wanted
    }


def _heldout_pixels(subject: Subject, count: int) -> Array:
    """Return the held-out images that are inverted, (n, C, H, W) float32."""
    return pixels(heldout_images(subject, count))


def heldout_images(subject: Subject, count: int) -> Images:
    """Return the held-out images that are inverted."""
    assert subject.heldout is not None
    return subject.heldout.some(count, Stream(subject.seed, ("manifold",)).numpy("held-out"))


def outside_pixels(subject: Subject, count: int) -> dict[str, Array]:
    """Return the images of each outside set that are inverted, where their shape fits."""
    stream = Stream(subject.seed, ("manifold",))
    return {
        name: pixels(images.some(count, stream.numpy("outside", name))) for name, images in subject.comparable.items()
    }


def pixels(images: Images) -> Array:
    """Read all images of a small set, (n, C, H, W) float32."""
    return images.read(range(len(images))).numpy()


def as_floats(images: Array) -> Array:
    """Return images as float32, 8-bit ones in [0, 1]."""
    return images.astype(np.float32) / np.float32(255) if images.dtype == np.uint8 else images.astype(np.float32)
