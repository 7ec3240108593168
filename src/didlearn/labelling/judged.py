"""The standing labels of a sheet as arrays: who answered what, and what the statistics take of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from didlearn.arrays import Flags, Ints
from didlearn.labelling.sheet import Sheet
from didlearn.labelling.store import Label
from didlearn.statistics.agreement import MISSING
from didlearn.statistics.birthday.labelled import CANDIDATE, UNANSWERED, Judgements

CODES: Final = {"d": 1, "n": 0, "u": 2}
_AT_EDGE: Final = 20


@dataclass(frozen=True, eq=False)
class Judged:
    """A sheet, and what people answered.

    Attributes:
        sheet: the pairs. people: by name, in the order of their first label.
        codes: (people, pairs) 1 duplicate, 0 not, 2 unsure, −1 no answer.
    """

    sheet: Sheet
    people: tuple[str, ...]
    codes: Ints

    @classmethod
    def of(cls, sheet: Sheet, labels: Sequence[Label]) -> Judged:
        """Lay the standing labels out; those of pairs that the sheet has not are left out."""
        people = tuple(dict.fromkeys(label.person for label in labels))
        codes = np.full((len(people), len(sheet)), MISSING)
        for label in labels:
            if 0 <= label.pair < len(sheet):
                codes[people.index(label.person), label.pair] = CODES[label.answer]
        return cls(sheet, people, codes)

    @cached_property
    def judgements(self) -> Judgements:
        """The answers as the estimate takes them: "unsure" is one that does not call a pair a duplicate."""
        called = np.where(self.codes == MISSING, UNANSWERED, self.codes == CODES["d"])
        sheet = self.sheet
        return Judgements(called, sheet.truth, sheet.stratum, sheet.links, sheet.strata, sheet.drawn)

    @property
    def candidate_answers(self) -> Ints:
        """The answers on candidates as the agreement takes them, (people, candidates): "unsure" is a missing one."""
        return np.where(self.codes == CODES["u"], MISSING, self.codes)[:, self.sheet.truth == CANDIDATE]

    @property
    def asked(self) -> Flags:
        """The candidates that anybody judged, (pairs,)."""
        return (self.sheet.truth == CANDIDATE) & (self.codes != MISSING).any(axis=0)

    def planted(self, truth: int) -> tuple[int, int]:
        """Return how often planted pairs of that truth were called duplicates by anybody, and how often answered."""
        said = self.judgements.said[:, self.sheet.truth == truth]
        answered = said[said != UNANSWERED]
        return int(answered.sum()), len(answered)

    def called_at_edge(self) -> float:
        """Return the share of answers that called the farthest of the judged candidates duplicates."""
        asked = np.flatnonzero(self.asked)
        farthest = asked[np.argsort(-self.sheet.distance[asked], kind="stable")[:_AT_EDGE]]
        said = self.judgements.said[:, farthest]
        return float(said[said != UNANSWERED].mean())
