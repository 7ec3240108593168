"""Train and held-out images that share no picture."""

from __future__ import annotations

import dataclasses

import numpy as np

from didlearn.errors import DataError, UsageError
from didlearn.images.base import Images
from didlearn.rng import generator


def split_heldout(images: Images, seed: int, fraction: float = 0.2) -> tuple[Images, Images]:
    """Split off a random held-out set; exact duplicates all fall on one side.

    Distinct pictures are put in random order, and the held-out side takes them, with all their copies, until it holds
    as near to ``fraction`` of the images as it can. Reads every image once, for its hash.

    Args:
        images: what to split.
        seed: root of the random stream ``heldout-split``.
        fraction: share of the images to hold out, in (0, 1).

    Returns:
        (train, heldout), each in the order of ``images``; at least one picture in either.

    Raises:
        UsageError: ``fraction`` is not between 0 and 1.
        DataError: there are fewer than two different pictures.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"the held-out fraction lies between 0 and 1, got {fraction}")
    _, first, picture, copies = np.unique(images.hashes, return_index=True, return_inverse=True, return_counts=True)
    if len(first) < 2:
        raise DataError(f"{images.name} has {len(first)} different pictures: at least 2 are needed to hold some out")
    # Numbered by first appearance, not by hash: how hashes sort must not decide which picture is held out.
    order = np.argsort(first)[generator(seed, "heldout-split").permutation(len(first))]
    held_by = np.cumsum(copies[order])
    wanted = 1 + int(np.argmin(np.abs(held_by - fraction * len(images))))
    chosen = order[: min(wanted, len(first) - 1)]
    held = np.isin(picture, chosen)
    note = f"held-out images were split off at random (seed {seed}): {held.sum()} of {len(images)}"
    train = images.subset(np.flatnonzero(~held), f"{images.name} (train part)")
    heldout = images.subset(np.flatnonzero(held), f"{images.name} (held-out part)")
    return (
        dataclasses.replace(train, notes=(*images.notes, note)),
        dataclasses.replace(heldout, notes=(*images.notes, note)),
    )


def without_shared(train: Images, heldout: Images) -> Images:
    """Return the images of ``heldout`` whose picture is not also in ``train``."""
    known = set(train.hashes.tolist())
    return heldout.subset([i for i, digest in enumerate(heldout.hashes.tolist()) if digest not in known])


def shared_images(a: Images, b: Images) -> int:
    """Count the images of ``b`` whose picture, to the last 8-bit pixel, is also in ``a``."""
    known = set(a.hashes.tolist())
    return sum(digest in known for digest in b.hashes.tolist())
