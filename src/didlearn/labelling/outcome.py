"""What the labels of a run amount to, as the result that the report takes in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from didlearn.arrays import Array
from didlearn.atomic import atomically
from didlearn.labelling.sheet import Sheet
from didlearn.labelling.store import Said
from didlearn.result.values import Cell, CheckResult, Estimate, Table, Verdict
from didlearn.result.words import count, interval, number, percent
from didlearn.rng import generator
from didlearn.statistics.agreement import MISSING, agreement
from didlearn.statistics.birthday.labelled import (
    CANDIDATE,
    FEWEST,
    UNANSWERED,
    Judgements,
    corrected_support,
    error_rates,
    uncorrected_support,
)
from didlearn.statistics.intervals import proportion

FILE: Final = Path("labels") / "result.json"
_QUESTION: Final = "How many different images can it make, when people decide what a duplicate is?"
_FARTHEST: Final = 20
_EDGE: Final = 0.25
_CODES: Final = {"d": 1, "n": 0, "u": 2}
_NOTES: Final = (
    "Pairs farther apart than those looked at are taken as no duplicates: where the distance misses some, there are "
    "fewer different images than this says.",
    "The correction takes it that people judge generated pairs as well as planted ones, and err independently of one "
    "another.",
    'An answer "unsure" counts as not called a duplicate, on planted pairs and candidates alike, so that the measured '
    "sensitivity makes up for it; for the agreement it is a missing answer.",
)


def write_outcome(sheet: Sheet, said: list[Said]) -> CheckResult:
    """Estimate from the labels and write ``RUN/labels/result.json``, atomically."""
    result = outcome(sheet, said)
    text = result.model_dump_json(indent=1)
    atomically(sheet.run / FILE, lambda path: path.write_text(text, encoding="utf-8"))
    return result


def outcome(sheet: Sheet, said: list[Said]) -> CheckResult:
    """Return the check result ``labels``: the support from people's labels, corrected for their errors.

    Args:
        sheet: the pairs. said: every standing answer.
    """
    level = float(sheet.support.params.get("level", 0.95))
    people, codes = _codes(sheet, said)
    judged = _judgements(sheet, codes)
    rng = generator(0, "labels", sheet.fingerprint)
    estimates = corrected_support(judged, rng, level) | uncorrected_support(judged, level) | _rates(judged, level)
    candidates = np.where(codes == _CODES["u"], MISSING, codes)[:, sheet.truth == CANDIDATE]
    agreed = agreement(candidates, rng, level)
    if agreed is not None:
        estimates["agreement"] = agreed
    known = "effective_support" in estimates
    at_edge = _share_at_edge(sheet, judged, estimates) if known else 0.0
    if at_edge > _EDGE:
        estimates = _opened(estimates)
    verdict, reason = _decision(known, at_edge)
    return CheckResult(
        check="labels",
        question=_QUESTION,
        verdict=verdict,
        reason=reason,
        answer=_answer(estimates, judged) if known else f"Too few pairs are labelled: {reason}.",
        params={"level": level, "pairs": len(sheet), "candidates": int((sheet.truth == CANDIDATE).sum())},
        estimates=estimates,
        tables=(_people_table(people, judged, codes, level), _strata_table(judged, level)),
        notes=_NOTES,
    )


def _codes(sheet: Sheet, said: list[Said]) -> tuple[list[str], Array]:
    """Return the people and their answers, (people, pairs): 0 not, 1 duplicate, 2 unsure, −1 none."""
    people = list(dict.fromkeys(one.person for one in said))
    codes = np.full((len(people), len(sheet)), MISSING)
    for one in said:
        if 0 <= one.pair < len(sheet):
            codes[people.index(one.person), one.pair] = _CODES[one.answer]
    return people, codes


def _judgements(sheet: Sheet, codes: Array) -> Judgements:
    called = np.where(codes == MISSING, UNANSWERED, codes == _CODES["d"])
    return Judgements(called, sheet.truth, sheet.stratum, sheet.links, sheet.strata, sheet.drawn)


def _rates(judged: Judgements, level: float) -> dict[str, Estimate]:
    """Return the error rates of all people together; each one's own are in the table."""
    rates = {}
    for name, truth in (("sensitivity", 1), ("false_alarms", 0)):
        said = judged.said[:, judged.truth == truth]
        answered = said[said != UNANSWERED]
        if len(answered):
            rates[name] = proportion(int(answered.sum()), len(answered), level)
    return rates


def _share_at_edge(sheet: Sheet, judged: Judgements, estimates: dict[str, Estimate]) -> float:
    """Return Rogan and Gladen's share of duplicates among the farthest candidates that people judged.

    Where it is high, pairs beyond the sheet are duplicates too, and taking them as none is no small thing any more.
    """
    asked = np.flatnonzero((judged.truth == CANDIDATE) & (judged.said != UNANSWERED).any(0))
    farthest = judged.said[:, asked[np.argsort(-sheet.distance[asked], kind="stable")[:_FARTHEST]]]
    called = float(farthest[farthest != UNANSWERED].mean())
    eta, theta = (estimates[name].value or 0.0 for name in ("sensitivity", "false_alarms"))
    return (called - theta) / (eta - theta) if eta > theta else 0.0


def _opened(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    """Open the ends that duplicates beyond the sheet would move."""
    ends = {
        "low": ("effective_support", "uncorrected_effective_support"),
        "high": ("collision_probability", "duplicate_pairs"),
    }
    opened = {name: estimates[name].model_copy(update={end: None}) for end, names in ends.items() for name in names}
    return {name: opened.get(name, estimate) for name, estimate in estimates.items()}


def _decision(known: bool, at_edge: float) -> tuple[Verdict, str]:
    if not known:
        return "inconclusive", (
            f"nobody has judged {FEWEST} planted pairs of each kind and a candidate yet; label more pairs"
        )
    if at_edge > _EDGE:
        return "inconclusive", (
            f"about {percent(min(at_edge, 1.0))} of the farthest pairs are duplicates still, so that more lie beyond; "
            "run the support check again with a larger --set support.threshold, and label its pairs"
        )
    return "measured", "people's labels stand beside the automatic criterion; they are no verdict of their own"


def _answer(estimates: dict[str, Estimate], judged: Judgements) -> str:
    support, people = estimates["effective_support"], len(judged.measured)
    asked = int(((judged.truth == CANDIDATE) & (judged.said != UNANSWERED).any(0)).sum())
    who = "One person" if people == 1 else f"{number(people)} people"
    size = (
        f"makes at least {count(support.low or 0)} different images"
        if support.value is None
        else f"makes at most about {count(support.value)} different images ({interval(support)})"
        if support.low is None
        else f"makes about {count(support.value)} different images ({interval(support)})"
    )
    rates = (
        f"planted duplicates were recognised in {percent(estimates['sensitivity'].value or 0)} of cases, and "
        f"{percent(estimates['false_alarms'].value or 0)} of planted distinct pairs were called duplicates"
    )
    return f"{who} judged {number(asked)} pairs of samples; corrected for their errors, the generator {size}: {rates}."


def _people_table(people: list[str], judged: Judgements, codes: Array, level: float) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for p, name in enumerate(people):
        given = codes[p][codes[p] != MISSING]
        rates = error_rates(judged, p, level)
        ends = [
            (e.value, e.low, e.high) if (e := rates.get(n)) else (None,) * 3 for n in ("sensitivity", "false_alarms")
        ]
        counts = [int((given == _CODES[a]).sum()) for a in "dnu"]
        rows.append((name, len(given), *counts, *ends[0], *ends[1]))
    columns = (
        "who",
        "judged",
        "duplicate",
        "not",
        "unsure",
        "sensitivity",
        "at least",
        "at most",
        "false alarms",
        "at least",
        "at most",
    )
    caption = "Sensitivity: the share of planted duplicates called so. False alarms: that of planted distinct pairs."
    return Table(name="people", title="Who judged, and how well", columns=columns, rows=tuple(rows), caption=caption)


def _strata_table(judged: Judgements, level: float) -> Table:
    names = ("duplicates by the automatic criterion", "the next closest pairs")
    rows: list[tuple[Cell, ...]] = []
    for h, (name, size) in enumerate(zip(names, judged.sizes.tolist(), strict=True)):
        here = judged.said[:, (judged.truth == CANDIDATE) & (judged.stratum == h)]
        given = here[here != UNANSWERED]
        asked = int((here != UNANSWERED).any(0).sum())
        share = proportion(int(given.sum()), len(given), level) if len(given) else None
        ends = (None,) * 3 if share is None else (share.value, share.low, share.high)
        rows.append((name, size, asked, *ends))
    columns = ("pairs of samples", "there are", "judged", "called duplicates", "low", "high")
    caption = (
        "As people said it, errors and all; the pairs judged are a random sample where they are not all there are."
    )
    return Table(name="strata", title="What was judged", columns=columns, rows=tuple(rows), caption=caption)
