"""How often pictures recur within training and held-out images, and which held-out images leaked.

A picture that comes several times within either set is *recurrence*: part of the law that both sets are drawn from, it
stays on both sides. A picture that stands once in either is a *leak*, where more do than recurrence explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Flags, Ints
from didlearn.images.base import Images
from didlearn.statistics.split_pairs import chance_of_split, split_pairs_pvalue

LEAK_LEVEL = 0.01  # chance of calling a leak what is none


class PictureNumbers(NamedTuple):
    """Which picture each image shows, equal numbers for the same one: (N,) training and (M,) held-out images."""

    train: Ints
    heldout: Ints


@dataclass(frozen=True, eq=False)
class Recurrence:
    """How often the pictures of two sets recur.

    Attributes:
        train, heldout: whether an image's picture comes again within its own set, (N,) and (M,).
        shared: whether a held-out image's picture is in the training set, (M,).
        single: whether it stands there once, and once among held-out images, (M,).
        explained: how many of those recurrence explains. pvalue: of as many, if both sets follow one law.
    """

    train: Flags
    heldout: Flags
    shared: Flags
    single: Flags
    explained: float
    pvalue: float

    @property
    def leaks(self) -> bool:
        """Whether more stand once in both sets than recurrence explains."""
        return self.pvalue < LEAK_LEVEL

    def leaked(self, *, always: bool = False) -> Flags:
        """Return which held-out images leaked, (M,): the single ones, less as many as recurrence explains.

        Which of them it explains nobody can tell: those that stay are spread evenly.

        Args:
            always: take out as many also where chance could have made them.
        """
        found = np.flatnonzero(self.single)
        leaked = np.zeros(len(self.single), dtype=bool)
        if not (always or self.leaks):
            return leaked
        stay = min(len(found), round(self.explained))
        leaked[np.delete(found, (np.arange(stay) * len(found)) // max(stay, 1))] = True
        return leaked


def picture_numbers(train: Images, heldout: Images) -> PictureNumbers:
    """Number pictures by their bytes; reads either set once, for its hashes."""
    _, number = np.unique(np.concatenate([train.hashes, heldout.hashes]), return_inverse=True)
    return PictureNumbers(*np.split(number.astype(np.int64), [len(train)]))


def measure_recurrence(pictures: PictureNumbers) -> Recurrence:
    """Count how often pictures recur, and whether more stand once in both sets than that explains.

    Of the pictures that come twice in all, the share that parts under one law is known (``split_pairs``); those that
    stand twice within one set tell how many part by recurrence alone.
    """
    train, heldout = pictures
    most = int(max(train.max(initial=-1), heldout.max(initial=-1))) + 1
    in_train, in_heldout = (np.bincount(numbers, minlength=most) for numbers in pictures)
    parted = (in_train == 1) & (in_heldout == 1)
    within = int(((in_train + in_heldout == 2) & ~parted).sum())
    split, chance = int(parted.sum()), chance_of_split(len(train), len(heldout))
    return Recurrence(
        train=in_train[train] > 1,
        heldout=in_heldout[heldout] > 1,
        shared=in_train[heldout] > 0,
        single=parted[heldout],
        explained=within * chance / (1 - chance) if chance < 1 else 0.0,
        pvalue=split_pairs_pvalue(split, split + within, len(train), len(heldout)),
    )
