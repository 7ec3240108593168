"""Which of two models a number speaks for: the better direction, and what real images themselves reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from didlearn.audit.check import Better
from didlearn.report.declared import directions_of
from didlearn.result.values import Estimate

SAID: Final[dict[Better, str]] = {
    "more": "more is better",
    "less": "less is better",
    "one": "1 is best",
    "zero": "0 is best",
    "same": "as of real images is best",
}
SHARE_SAID: Final[dict[Better, str]] = {"one": "100 % is best", "zero": "0 % is best"}
_NULLS: Final = {
    "_heldout": "held-out images",
    "_train": "training images",
    "_real": "real images",
    "_expected": "expected",
    "_nominal": "its own samples",
}


class Null(NamedTuple):
    """What real images reach in the place of the model's: ``of`` says which."""

    of: str
    estimate: Estimate


def direction(check: str, name: str) -> Better | None:
    """Return which values of an estimate are better, where its check says so."""
    for key, better in directions_of(check).items():
        if re.fullmatch(re.escape(key).replace(r"\{group\}", ".+"), name):
            return better
    return None


def null_of(name: str, estimates: Mapping[str, Estimate]) -> Null | None:
    """Return the same quantity of real images, where it was estimated: ``coverage_train`` of ``coverage``."""
    for stem in (name, name.removesuffix("_train")):
        for ending, words in _NULLS.items():
            twin = stem + ending
            if twin != name and twin in estimates and (stem == name or ending == "_nominal"):
                return Null(words, estimates[twin])
    return None


def shown_better(ours: Estimate, theirs: Estimate, better: Better, aim: float | None = None) -> bool:
    """Whether one estimate is shown to be the better by intervals that do not meet.

    Args:
        ours, theirs: of two models. better: the direction.
        aim: what is best where that is no fixed number; without it nothing is shown.
    """
    if better == "more":
        return ours.low is not None and theirs.high is not None and ours.low > theirs.high
    if better == "less":
        return shown_better(theirs, ours, "more")
    best = {"one": 1.0, "zero": 0.0}.get(better, aim)
    if best is None:
        return False
    near, far = _farthest(ours, best), _nearest(theirs, best)
    return near is not None and near < far


def _farthest(estimate: Estimate, best: float) -> float | None:
    if estimate.low is None or estimate.high is None:
        return None
    return max(abs(estimate.low - best), abs(estimate.high - best))


def _nearest(estimate: Estimate, best: float) -> float:
    """How far the interval stays away from what is best: not at all, where it holds it."""
    return max(0.0, estimate.low_or(best) - best, best - estimate.high_or(best))
