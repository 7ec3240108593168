"""Open the real images: training and held-out ones, with what recurs in them and what leaked between them measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from didlearn.errors import DataError
from didlearn.images import Images, open_images
from didlearn.images.split import split_heldout
from didlearn.naming import option
from didlearn.result.words import number, percent

if TYPE_CHECKING:
    from didlearn.images.recurrence import Recurrence


class RealSets(NamedTuple):
    """Training and held-out images, and what was found out about them, a sentence each."""

    train: Images | None
    heldout: Images | None
    notes: tuple[str, ...] = ()


def open_real(
    train: Any, heldout: Any, seed: int, fraction: float, drop_shared: bool, opening: dict[str, Any]
) -> RealSets:
    """Open both sets, or split held-out images off the training set.

    Args:
        train, heldout: what ``open_images`` takes. seed, fraction: of the split. opening: how to open.
        drop_shared: leave out such images also where so few may be chance.

    Raises:
        DataError: a set cannot be read, or the two have images of different shapes.
    """
    if train is None:
        return RealSets(None, None if heldout is None else open_images(heldout, **opening))
    trained = open_images(train, **opening)
    if heldout is None:
        return _split_off(trained, seed, fraction)
    kept = open_images(heldout, **opening)
    if trained.shape != kept.shape:
        raise DataError(
            f"training images are {trained.shape}, held-out images {kept.shape}; bring both to one shape with "
            f"{option('size', None)} and {option('channels', None)}"
        )
    return _without_leaks(trained, kept, drop_shared)


def _split_off(images: Images, seed: int, fraction: float) -> RealSets:
    train, rest = split_heldout(images, seed, fraction)
    note = (
        f"No held-out set was given: {len(rest)} images ({100 * fraction:.3g} %) were split off the training set "
        f"by seed {seed}. If the generator was trained on all of it, copies of those images go unnoticed."
    )
    return RealSets(train, rest, (note, *_recurring(_recurrence(train, rest))))


def _recurrence(train: Images, heldout: Images) -> Recurrence:
    from didlearn.images.recurrence import measure_recurrence, picture_numbers  # with scipy: only where both are there

    return measure_recurrence(picture_numbers(train, heldout))


def _without_leaks(train: Images, heldout: Images, drop_shared: bool) -> RealSets:
    found = _recurrence(train, heldout)
    leaked = found.leaked(always=drop_shared)
    notes = (*_recurring(found), *_leaks(found, int(leaked.sum())))
    if not leaked.any():
        return RealSets(train, heldout, notes)
    return RealSets(train, heldout.subset(np.flatnonzero(~leaked)), notes)


def _recurring(found: Recurrence) -> tuple[str, ...]:
    """Say how many images are not the only one of their picture: nothing where all are."""
    both = (("training", found.train), ("held-out", found.heldout))
    notes = [f"{_of(again.sum(), len(again), kind)} are not the only one of their picture." for kind, again in both]
    stay = int((found.shared & ~found.single).sum())
    again = (
        f"{_of(stay, len(found.shared), 'held-out')} show a picture of the training set that recurs: "
        "that is how the data are, and they stay."
    )
    return tuple(
        note
        for note, count in zip([*notes, again], [found.train.sum(), found.heldout.sum(), stay], strict=True)
        if count
    )


def _leaks(found: Recurrence, leaked: int) -> tuple[str, ...]:
    """Say how many held-out images leaked, and how many that stand in both sets stay."""
    stay = int(found.single.sum()) - leaked
    notes = []
    if leaked:
        beyond = f", beyond the {number(stay)} that recurrence explains" if stay else ""
        notes.append(
            f"{_of(leaked, len(found.single), 'held-out')} are also training images, once in either set{beyond}: "
            + ("they leaked, and were left out." if found.leaks else "so few may be chance, but they were left out.")
        )
    elif stay:
        flag = option("drop_shared", True)
        notes.append(
            f"{_of(stay, len(found.single), 'held-out')} are also training images, once in either set; so few may "
            f"recur by chance, and they stay ({flag} leaves them out)."
        )
    return tuple(notes)


def _of(count: int, images: int, kind: str) -> str:
    return f"{number(int(count))} of {number(images)} {kind} images ({percent(count / images)})"
