"""The real images that the checks of a latent model take, and how groups of images are called."""

from __future__ import annotations

import hashlib

import numpy as np

from didlearn.arrays import Array, Floats, Singles
from didlearn.audit.subject import Subject
from didlearn.images.base import Images
from didlearn.result.values import Role
from didlearn.rng import Stream

_ROLES: dict[str, Role] = {"train": "train", "held-out": "heldout", "generated": "generated"}


def estimate_key(prefix: str, group: str) -> str:
    """Return the name of a group's estimate: ``prefix`` and the group, as one word."""
    return f"{prefix}_" + {"held-out": "heldout"}.get(group, group)


def role_of(group: str) -> Role:
    """Return the role of a group that is compared: every name that is not the subject's own is an outside set."""
    return _ROLES.get(group, "outside")


def choosing(subject: Subject) -> Stream:
    """Return the stream that chooses images for every check that inverts: the same ones, so that none is done twice."""
    return Stream(subject.seed, ("manifold",))


def heldout_images(subject: Subject, count: int) -> Images:
    """Return the held-out images that are inverted."""
    assert subject.heldout is not None
    return subject.heldout.some(count, choosing(subject).numpy("held-out"))


def outside_images(subject: Subject, count: int) -> dict[str, Images]:
    """Return the images of each outside set that are inverted, where their shape fits."""
    return {
        name: images.some(count, choosing(subject).numpy("outside", name))
        for name, images in subject.comparable.items()
    }


def outside_pixels(subject: Subject, count: int) -> dict[str, Singles]:
    """Return the pixels (n, C, H, W) of ``outside_images``."""
    return {name: pixels(images) for name, images in outside_images(subject, count).items()}


def pixels(images: Images) -> Singles:
    """Read all images of a small set, (n, C, H, W)."""
    read: Singles = images.read(range(len(images))).numpy()
    return read


def pixel_variance(images: Singles) -> Floats:
    """Return the variance of each image's pixels, (n,)."""
    return images.reshape(len(images), -1).astype(np.float64).var(axis=1)


def content_of(images: Array) -> str:
    """Hash pixels: two checks that ask about the same images are answered once."""
    return hashlib.blake2b(np.ascontiguousarray(images).tobytes()).hexdigest()
