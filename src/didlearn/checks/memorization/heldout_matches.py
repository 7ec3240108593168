"""Samples that are held-out images to the last bit: seen in training after all, or not the generator's own samples.

An independent sample equals a held-out image no more often than a training image does: by recurring pictures alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Ints
from didlearn.audit.subject import Subject
from didlearn.images.base import Images, hash_pictures
from didlearn.images.picture import eight_bit
from didlearn.images.points import hash_rows
from didlearn.models.base import Samples
from didlearn.result.parts import Decision
from didlearn.result.values import Estimate, Table
from didlearn.result.words import number, percent
from didlearn.statistics.copying.authenticity import copied_fraction

_SAID_LEVEL = 0.998  # one-sided: an honest generator is told so in one case of a thousand
_LISTED = 100


@dataclass(frozen=True, eq=False)
class HeldoutMatches:
    """Equal images.

    Attributes:
        matched: of the ``samples``, how many are held-out images. train_matched: of the ``train`` training images.
        twice: pictures that come exactly twice in the real sets: where there are such, a sample may meet one by chance.
        lone, image: (k,) samples that are held-out images whose picture is nowhere else in the real sets, and which.
        split_off: whether the held-out images were split off the training set.
    """

    matched: int
    samples: int
    train_matched: int
    train: int
    twice: int
    lone: Ints
    image: Ints
    split_off: bool = False

    def share(self, level: float) -> Estimate:
        """Return the share of samples that are held-out images, beyond the share of training images that are."""
        found = copied_fraction(self.matched, self.samples, self.train_matched, self.train, level)
        return found.model_copy(update={"method": "equal bytes, beyond training images that recur, score interval"})

    def estimates(self, level: float) -> dict[str, Estimate]:
        """Return the share by its name."""
        return {"heldout_copies": self.share(level)}

    def clause(self) -> str:
        """Say that samples are held-out images, where recurrence does not explain it; empty where it may."""
        share = self.share(_SAID_LEVEL)
        if share.low_or(0.0) > 0:
            why = "it was trained on them, or these are not its samples"
            if self.split_off:
                why = "it was trained on what was split off, or these are not its samples"
            return f"{percent(share.point)} of its samples are held-out images to the last bit: {why}"
        if len(self.lone) and not self.twice:
            what = "is a held-out image" if len(self.lone) == 1 else "are held-out images"
            return f"{number(len(self.lone))} of {number(self.samples)} samples {what} to the last bit"
        return ""

    def told(self, decision: Decision) -> Decision:
        """Return the decision with the clause; nothing passes on a null that the samples themselves are part of."""
        clause = self.clause()
        if not clause:
            return decision
        answer = f"{decision.answer} {clause}."
        if decision.verdict == "fail" or self.share(_SAID_LEVEL).low_or(0.0) == 0:
            return decision._replace(answer=answer)
        return decision._replace(verdict="inconclusive", reason=clause, answer=answer, settles=None)

    def tables(self, heldout: Images) -> tuple[Table, ...]:
        """List the samples whose picture is one held-out image and nowhere else in the real sets."""
        if not len(self.lone):
            return ()
        listed = list(zip(self.lone[:_LISTED].tolist(), self.image[:_LISTED].tolist(), strict=True))
        return (
            Table(
                name="heldout_copies",
                title="Samples that are held-out images, to the last bit",
                columns=("sample", "held-out image", "name"),
                rows=tuple((i, j, heldout.source_name(j)) for i, j in listed),
                caption=f"{len(listed)} of {len(self.lone)}." if len(listed) < len(self.lone) else "",
                csv="heldout_copies.csv",
            ),
        )


def match_heldout(subject: Subject, drawn: Samples) -> HeldoutMatches:
    """Compare the samples with every held-out image, and training images too; reads hashes alone."""
    assert subject.train is not None
    assert subject.heldout is not None
    own = hash_rows(drawn.images) if drawn.points else hash_pictures(eight_bit(drawn.images))
    sets = (own, subject.heldout.hashes, subject.train.hashes)
    pictures = np.unique(np.concatenate(sets), return_inverse=True)[1]
    ours, held, train = np.split(pictures, np.cumsum([len(hashes) for hashes in sets])[:-1])
    in_held, in_train = (np.bincount(numbers, minlength=int(pictures.max()) + 1) for numbers in (held, train))
    lone = np.flatnonzero((in_held[ours] == 1) & (in_train[ours] == 0))
    where = np.argsort(held, kind="stable")
    return HeldoutMatches(
        matched=int(((in_held[ours] > 0) & (in_train[ours] == 0)).sum()),
        samples=len(ours),
        train_matched=int(((in_held[train] > 0) & (in_train[train] == 1)).sum()),
        train=len(train),
        twice=int((in_held + in_train == 2).sum()),
        lone=lone,
        image=where[np.searchsorted(held[where], ours[lone])],
        split_off=subject.split_off,
    )
