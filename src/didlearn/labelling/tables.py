"""Who judged and how well, and what was judged, as tables."""

from __future__ import annotations

from didlearn.labelling.judged import CODES, Judged
from didlearn.result.values import Cell, Estimate, Table
from didlearn.statistics.agreement import MISSING
from didlearn.statistics.birthday.labelled import CANDIDATE, UNANSWERED, error_rates
from didlearn.statistics.intervals import proportion

_STRATA = ("duplicates by the automatic criterion", "the next closest pairs")
_ENDS = ("at least", "at most")


def people_table(judged: Judged, level: float) -> Table:
    """List everyone's answers and error rates; a rate that nothing was asked for is an empty cell."""
    return Table(
        name="people",
        title="Who judged, and how well",
        columns=("who", "judged", "duplicate", "not", "unsure", "sensitivity", *_ENDS, "false alarms", *_ENDS),
        rows=tuple(_person_row(judged, p, level) for p in range(len(judged.people))),
        caption="Sensitivity: the share of planted duplicates called so. False alarms: that of planted distinct pairs.",
    )


def _person_row(judged: Judged, person: int, level: float) -> tuple[Cell, ...]:
    given = judged.codes[person][judged.codes[person] != MISSING]
    rates = error_rates(judged.judgements, person, level)
    counts = [int((given == CODES[answer]).sum()) for answer in "dnu"]
    ends = [_interval_cells(rates.get(name)) for name in ("sensitivity", "false_alarms")]
    return judged.people[person], len(given), *counts, *ends[0], *ends[1]


def strata_table(judged: Judged, level: float) -> Table:
    """List how many pairs there are of each kind, and how many of those judged were called duplicates."""
    return Table(
        name="strata",
        title="What was judged",
        columns=("pairs of samples", "there are", "judged", "called duplicates", "low", "high"),
        rows=tuple(_stratum_row(judged, h, level) for h in range(len(_STRATA))),
        caption="As people said it, errors and all; the pairs judged are a random sample where they are not all there "
        "are.",
    )


def _stratum_row(judged: Judged, stratum: int, level: float) -> tuple[Cell, ...]:
    pairs = judged.judgements
    here = pairs.said[:, (pairs.truth == CANDIDATE) & (pairs.stratum == stratum)]
    given = here[here != UNANSWERED]
    share = proportion(int(given.sum()), len(given), level) if len(given) else None
    asked = int((here != UNANSWERED).any(0).sum())
    return _STRATA[stratum], int(pairs.sizes[stratum]), asked, *_interval_cells(share)


def _interval_cells(estimate: Estimate | None) -> tuple[Cell, Cell, Cell]:
    return (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
