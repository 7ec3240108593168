"""A held-out set, split off at random."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from didlearn.errors import DataError, UsageError
from didlearn.images.base import Images
from didlearn.rng import generator


def split_heldout(images: Images, seed: int, fraction: float = 0.2) -> tuple[Images, Images]:
    """Split off a random held-out set.

    Every image is as likely to be held out as any other, so that both sides follow the law of the whole: a picture that
    recurs recurs on both. Reads every image once, for its hash.

    Args:
        images: what to split.
        seed: root of the random stream ``heldout-split``.
        fraction: share of the images to hold out, in (0, 1).

    Returns:
        (train, heldout), each in the order of ``images``; at least one image in either.

    Raises:
        UsageError: ``fraction`` is not between 0 and 1.
        DataError: there are fewer than two different pictures.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"the held-out fraction lies between 0 and 1, got {fraction}")
    different = len(np.unique(images.hashes))
    if different < 2:
        raise DataError(f"{images.name} has {different} different pictures: at least 2 are needed to hold some out")
    wanted = min(max(1, math.ceil(fraction * len(images) - 0.5)), len(images) - 1)
    held = np.zeros(len(images), dtype=bool)
    held[generator(seed, "heldout-split").permutation(len(images))[:wanted]] = True
    note = f"held-out images were split off at random (seed {seed}): {wanted} of {len(images)}"
    noted = dataclasses.replace(images, notes=(*images.notes, note))
    vars(noted)["hashes"] = images.hashes
    train = noted.subset(np.flatnonzero(~held), f"{images.name} (train part)")
    return train, noted.subset(np.flatnonzero(held), f"{images.name} (held-out part)")


def shared_images(a: Images, b: Images) -> int:
    """Count the images of ``b`` whose picture, to the last 8-bit pixel, is also in ``a``."""
    known = set(a.hashes.tolist())
    return sum(digest in known for digest in b.hashes.tolist())
