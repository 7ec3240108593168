"""The pairs of a run that people judge, and the order in which one person meets them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from didlearn.arrays import Array
from didlearn.errors import ResultError, UsageError
from didlearn.naming import option
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult
from didlearn.rng import generator

PARTS: Final = ("pictures", "truth", "distance", "stratum", "links", "samples", "strata")
PAIR_KINDS: Final = {-1: "candidate", 1: "planted duplicate", 0: "planted distinct"}


@dataclass(frozen=True)
class Turn:
    """A place in a person's order: which pair, and whether its pictures change sides."""

    pair: int
    swapped: bool


@dataclass(frozen=True)
class Sheet:
    """The pairs that the support check kept (see ``duplicates.sheet``).

    Attributes:
        run: the run folder. support: the support check's result.
        pictures: (n, 2, H, W) or (n, 2, H, W, 3) uint8.
        truth: (n,) 1 and 0 for planted duplicates and distinct pairs, −1 for candidates.
        distance, stratum, links: (n,). samples: (n, 2). strata: (2,).
    """

    run: Path
    support: CheckResult
    pictures: Array
    truth: Array
    distance: Array
    stratum: Array
    links: Array
    samples: Array
    strata: Array

    @classmethod
    def load(cls, run: Path) -> Sheet:
        """Read the sheet of a run.

        Raises:
            UsageError: there is no such folder.
            ResultError: it holds no audit, or one without pairs to judge.
        """
        if not run.is_dir():
            raise UsageError(f"there is no file or folder {run}; give the run folder of an audit")
        checks = [check for check in AuditResult.load(run).checks if check.check == "support"]
        if not checks:
            raise ResultError(f"{run} holds no support check, whose pairs are judged; run `didlearn support` first")
        arrays = checks[0].arrays
        if any(name not in arrays for name in ("component", *(f"sheet_{part}" for part in PARTS))):
            raise ResultError(
                f"{run} holds no pairs to judge: its support check gave no answer, had no real images to plant "
                f"({option('train')} or {option('heldout')}), or is of an older version; run it again"
            )
        sheet = cls(run, checks[0], *(arrays[f"sheet_{part}"] for part in PARTS))
        sheet._check()
        return sheet

    def _check(self) -> None:
        n = len(self.pictures)
        parts = (self.truth, self.distance, self.stratum, self.links, self.samples)
        pairs = self.pictures.ndim in (4, 5) and self.pictures.dtype == np.uint8 and self.pictures.shape[1] == 2
        whole = pairs and n > 0 and all(len(part) == n for part in parts)
        if not whole or not np.isin(self.truth, list(PAIR_KINDS)).all():
            raise ResultError(f"the pairs in {self.run} do not fit together; run the support check again")

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def drawn(self) -> int:
        """How many samples the pairs were found among."""
        return len(self.support.arrays["component"])

    @property
    def fingerprint(self) -> str:
        """Hash of the pairs: labels go with these and no others."""
        digest = hashlib.sha256(repr(self.pictures.shape).encode())
        for part in (self.pictures, self.truth, self.stratum, self.links, self.strata):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:32]

    def order(self, seed: int, person: str, limit: int | None = None) -> list[Turn]:
        """Return the order in which a person meets the pairs, by seed and name.

        Candidates of either stratum and planted pairs of either kind are each spread evenly over it, at random: whoever
        stops early has seen some of each.
        """
        rng = generator(seed, "labelling", person)
        kind = np.where(self.truth < 0, self.stratum, 2 + self.truth)
        when = np.empty(len(self))
        for k in np.unique(kind):
            members = rng.permutation(np.flatnonzero(kind == k))
            when[members] = (np.arange(len(members)) + rng.random(len(members))) / len(members)
        swapped = rng.random(len(self)) < 0.5
        return [Turn(int(pair), bool(swapped[pair])) for pair in np.argsort(when, kind="stable")[:limit]]
