"""What can be planted among the images of a law: faults of the generator, and real sets that are not independent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from laws import Sets

from didlearn.arrays import Bytes, Ints
from didlearn.images.disguises import Disguise

Fault = Callable[[Sets, np.random.Generator], Sets]


def in_turn(*faults: Fault) -> Fault:
    """Plant several, one after the other."""

    def plant(sets: Sets, rng: np.random.Generator) -> Sets:
        for fault in faults:
            sets = fault(sets, rng)
        return sets

    return plant


def mild(images: Bytes, rng: np.random.Generator) -> Bytes:
    """Change each image a little: one grey level of noise, 2 % of brightness."""
    gain = rng.uniform(0.98, 1.02, size=(len(images), 1, 1, 1))
    noise = rng.normal(0, 1, size=images.shape)
    return np.clip(np.rint(images * gain + noise), 0, 255).astype(np.uint8)


def collapse(pictures: int, share: float = 1.0) -> Fault:
    """Draw a share of the mass from so many pictures, each time changed mildly.

    Only pictures that come need be at hand: they are numbered as they are met.
    """

    def plant(sets: Sets, rng: np.random.Generator) -> Sets:
        generated = sets.generated.copy()
        hit = rng.random(len(generated)) < share
        _, met = np.unique(rng.integers(pictures, size=int(hit.sum())), return_inverse=True)
        generated[hit] = sets.generated[met]
        return sets._replace(generated=mild(generated, rng))

    return plant


def without_class(label: int, kept: float = 0.0) -> Fault:
    """Leave a class out, or keep a share of it; what is missing is filled up with the others."""

    def plant(sets: Sets, rng: np.random.Generator) -> Sets:
        assert sets.generated_labels is not None
        stay = (sets.generated_labels != label) | (rng.random(len(sets.generated)) < kept)
        return sets._replace(generated=sets.generated[stay], generated_labels=sets.generated_labels[stay])

    return plant


def as_they_are(images: Bytes, _: np.random.Generator) -> Bytes:
    """No disguise: equal to the byte."""
    return images


def copies(share: float, disguise: Disguise = as_they_are) -> Fault:
    """Copy training images for a share of the samples."""

    def plant(sets: Sets, rng: np.random.Generator) -> Sets:
        generated = sets.generated.copy()
        hit = rng.random(len(generated)) < share
        generated[hit] = disguise(sets.train[rng.integers(len(sets.train), size=int(hit.sum()))], rng)
        return sets._replace(generated=generated)

    return plant


def heldout_copies(share: float) -> Fault:
    """Copy held-out images for a share of the samples: none twice before each came once."""

    def plant(sets: Sets, rng: np.random.Generator) -> Sets:
        generated = sets.generated.copy()
        hit = rng.random(len(generated)) < share
        generated[hit] = sets.heldout[np.resize(rng.permutation(len(sets.heldout)), int(hit.sum()))]
        return sets._replace(generated=generated)

    return plant


def leak(share: float, disguise: Disguise = as_they_are) -> Fault:
    """Make a share of the held-out images from training images, none from the same one."""

    def plant(sets: Sets, rng: np.random.Generator) -> Sets:
        heldout = sets.heldout.copy()
        hit = rng.random(len(heldout)) < share
        heldout[hit] = disguise(sets.train[rng.choice(len(sets.train), size=int(hit.sum()), replace=False)], rng)
        return sets._replace(heldout=heldout)

    return plant


def recurring(share: float) -> Fault:
    """Draw a share of all images from few pictures, of training, held-out and generated ones alike.

    The k-th commonest picture has a mass in proportion to 1/k, so that one comes again and again and some hardly twice.
    The pictures are training images that this replaces, half as many as it replaces there. Generated images lose their
    classes.
    """

    def plant(sets: Sets, rng: np.random.Generator) -> Sets:
        hit = rng.random(len(sets.train)) < share
        pool = np.flatnonzero(hit)[: int(hit.sum()) // 2]
        mass = 1 / np.arange(1, len(pool) + 1)

        def pictures(count: int) -> Ints:
            return pool[rng.choice(len(pool), size=count, p=mass / mass.sum())]

        def partly(images: Bytes) -> Bytes:
            again = rng.random(len(images)) < share
            changed = images.copy()
            changed[again] = sets.train[pictures(int(again.sum()))]
            return changed

        which = np.arange(len(sets.train))
        which[hit] = pictures(int(hit.sum()))
        labels = None if sets.train_labels is None else sets.train_labels[which]
        return Sets(sets.train[which], partly(sets.heldout), partly(sets.generated), labels, None)

    return plant


def a_tenth(sets: Sets, rng: np.random.Generator) -> Sets:
    """Make changed copies of a tenth of the training images, and nothing else."""
    few = sets.train[: len(sets.train) // 10]
    return sets._replace(generated=mild(few[rng.integers(len(few), size=len(sets.generated))], rng))


def changed(change: Disguise) -> Fault:
    """Change every generated image: blur, noise, light."""
    return lambda sets, rng: sets._replace(generated=change(sets.generated, rng))
