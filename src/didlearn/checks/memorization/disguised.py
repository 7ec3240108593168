"""Copies in disguise: samples that line up with a training image, where held-out images hardly do.

A copy that was mirrored, moved, cropped, turned or re-lit lies far from its original in any plain distance. Lined up
again (``alignment``), it differs from it by little; so do natural twins, and how many there are is read off held-out
images. How far apart is still a copy depends on the data: several limits are tried, and the one that shows most is
taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from didlearn.alignment import Originals, find_originals
from didlearn.alignment.lossless import equal_pictures
from didlearn.alignment.motions import Motion
from didlearn.alignment.originals import SMALLEST_SIDE
from didlearn.arrays import Bytes, Flags, Floats, Ints
from didlearn.audit.subject import Subject
from didlearn.images.base import Images
from didlearn.images.disguises import DISGUISES, greyed
from didlearn.images.picture import eight_bit
from didlearn.rng import Stream
from didlearn.statistics.copying.excess import Matches, Rule, each_once, independent

_MISFITS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08)
_ROUGH_MISFITS = (0.001, 0.005, 0.02)
_FEW_MISFITS = (0.005, 0.02, 0.08)  # what is not stretched lines up by chance so seldom that they hardly matter
_NO_LOSS = 0.001  # misfit: rounding and rims leave less to what lost nothing
_AWAY = 2.0  # more than any misfit
_DISGUISED = 16  # training images in each disguise, to see how many of them a limit finds
_AGAIN = 2_000  # training images that are looked up among the others, at most
_TIED = 1e-6  # misfits that differ by less are rounding
_COLOURS = 3  # grey pictures are no disguise of grey ones
_LEAST_FOUND, _MOST_CHANCE = 0.2, 0.3  # limits that find fewer copies, or match more held-out images, tell little


@dataclass(frozen=True)
class Limit:
    """A picture matches that a ``motion`` lines up to a misfit of ``most``; ``rough``: that of blurred pictures."""

    most: float
    rough: bool = False
    motion: Motion = Motion.AFFINE


@dataclass(frozen=True)
class LinedUp:
    """Pictures, and how they line up with their likeliest originals in the training set."""

    pixels: Bytes
    found: Originals

    def scores(self, limit: Limit) -> Floats:
        """Return the misfits (n,) of the kind that a limit is about."""
        return self.found.rough if limit.rough else self.found.score

    def misfits(self, limit: Limit) -> Floats:
        """Return the same; more than any where more was done than the limit's motion."""
        done = limit.motion.holds(self.found.maps, self.pixels.shape[2:])
        return np.where(done, self.scores(limit), _AWAY)

    def within(self, limit: Limit) -> Flags:
        """Say which match by a limit."""
        return self.misfits(limit) <= limit.most

    def count(self, limit: Limit) -> tuple[int, int]:
        """Count those that match, and all."""
        return int(self.within(limit).sum()), len(self.pixels)

    def subset(self, rows: Ints) -> LinedUp:
        """Return some of them."""
        found = self.found
        kept = Originals(found.score[rows], found.rough[rows], found.index[rows], found.maps[rows])
        return LinedUp(self.pixels[rows], kept)


@dataclass(frozen=True)
class Again:
    """Training images looked up among the others.

    Attributes:
        lined: how k of them line up with their likeliest other one. rows: (k,) which they are, of ``train`` in all.
    """

    lined: LinedUp
    rows: Ints
    train: int

    def count(self, limit: Limit) -> tuple[int, int]:
        """Count those that match, and all, as if each were drawn by itself."""
        hit = np.flatnonzero(self.lined.within(limit))
        return each_once(self.rows[hit], self.lined.found.index[hit], len(self.rows), self.train)


LIMITS = (
    *(Limit(most) for most in _MISFITS),
    *(Limit(most, rough=True) for most in _ROUGH_MISFITS),
    *(Limit(most, motion=motion) for motion in Motion if motion is not Motion.AFFINE for most in _FEW_MISFITS),
)


@dataclass(frozen=True)
class Disguised:
    """What lines up with training images: samples, held-out images, and training images in known disguises.

    Attributes:
        train: the set looked in. own, real, planted: of the three. again: training images among the others.
    """

    train: Images
    own: LinedUp
    real: LinedUp
    planted: LinedUp
    again: Again

    def rule(self, limit: Limit) -> Rule:
        """Return what matches by one of ``LIMITS``."""
        return self._rules[limit]

    @cached_property
    def _rules(self) -> dict[Limit, Rule]:
        return {limit: self._counted(limit) for limit in LIMITS}

    def _counted(self, limit: Limit) -> Rule:
        own, real, again = (group.count(limit) for group in (self.own, self.real, self.again))
        return Rule(Matches(*own, *independent(real, again)), float(self.planted.within(limit).mean()))

    @cached_property
    def usable(self) -> tuple[Limit, ...]:
        """The limits that tell copies from held-out images here."""
        return tuple(limit for limit in LIMITS if _tells(self.rule(limit)))

    @cached_property
    def lossless(self) -> tuple[Flags, Flags]:
        """Which samples, and which held-out images, are training images to the last bit once lined up."""
        return self._equal(self.own), self._equal(self.real)

    def _equal(self, group: LinedUp) -> Flags:
        close = np.flatnonzero(group.within(Limit(_NO_LOSS)))
        equal = np.zeros(len(group.pixels), bool)
        if len(close):
            originals = eight_bit(self.train.read_raw(group.found.index[close]))
            equal[close] = equal_pictures(group.pixels[close], originals, group.found.maps[close])
        return equal


def _tells(rule: Rule) -> bool:
    chance = rule.matches.real / rule.matches.heldout
    return rule.found >= _LEAST_FOUND and chance <= _MOST_CHANCE


@dataclass(frozen=True)
class LookedUp:
    """Everything whose originals were looked for among the training images.

    Attributes:
        own, planted, again: see ``Disguised``. heldout: the held-out images looked at. real: how they line up.
    """

    own: LinedUp
    planted: LinedUp
    heldout: Images
    real: LinedUp
    again: Again


def look_up(subject: Subject, drawn: Bytes, heldout: Images, most: int, rng: Stream) -> LookedUp | None:
    """Look for the originals of everything in one pass over the training set.

    Args:
        drawn: (n, C, H, W) samples. heldout: held-out images. most: of each that are looked at.

    Returns:
        ``None`` where none is asked for, or pictures are too small to be lined up.
    """
    train = subject.train
    assert train is not None
    if not most or min(train.shape[1:]) < SMALLEST_SIDE:
        return None
    looked_at = heldout.some(most, rng.numpy("lined up"))
    rows = np.sort(rng.numpy("again").permutation(len(train))[: min(most, _AGAIN)])
    groups = [drawn[:most], _pictures(looked_at), _in_disguise(train, rng), _pictures(train.subset(rows))]
    everything, skipped = np.concatenate(groups), np.full(sum(map(len, groups)), -1)
    skipped[-len(rows) :] = rows
    found = find_originals(everything, train, exclude=skipped, device=subject.device, threads=subject.threads)
    whole, ends = LinedUp(everything, found), np.cumsum([len(group) for group in groups])[:-1]
    own, real, planted, again = (whole.subset(part) for part in np.split(np.arange(len(everything)), ends))
    return LookedUp(own, planted, looked_at, real, Again(again, rows, len(train)))


def _pictures(images: Images) -> Bytes:
    return eight_bit(images.read_raw(range(len(images))))


def _in_disguise(train: Images, rng: Stream) -> Bytes:
    """Put some training images in each disguise."""
    draw = rng.numpy("disguises")
    count = min(_DISGUISED, len(train))
    chosen = draw.permutation(len(train))[: count * len(DISGUISES)]
    changes = [change for change in DISGUISES.values() if change is not greyed or train.shape[0] == _COLOURS]
    groups = np.array_split(chosen, len(changes))
    wearing = [(change, group) for change, group in zip(changes, groups, strict=True) if len(group)]
    return np.concatenate([change(eight_bit(train.read_raw(group)), draw) for change, group in wearing])


def matches_aligned(disguised: Disguised, limit: Limit, heldout: Images, subject: Subject, rng: Stream) -> Ints:
    """Return the real images that samples match, where they match any, training or held-out; chance decides ties.

    Returns:
        (k,) numbers in the pool of real images, where the training images come first and ``heldout`` follows.
    """
    own = disguised.own
    found = find_originals(own.pixels, heldout, device=subject.device, threads=subject.threads)
    others = LinedUp(own.pixels, found)
    theirs, ours = others.misfits(limit), own.misfits(limit)
    heads = rng.numpy("aligned ties").random(len(ours)) < len(disguised.train) / (len(disguised.train) + len(heldout))
    from_train = np.where(np.abs(ours - theirs) <= _TIED, heads, ours < theirs)
    nearest = np.where(from_train, own.found.index, len(disguised.train) + found.index)
    return nearest[np.minimum(ours, theirs) <= limit.most]
