"""What the labels of a run amount to, as the result that the report takes in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from didlearn.atomic import atomically
from didlearn.labelling.judged import Judged
from didlearn.labelling.sheet import Sheet
from didlearn.labelling.store import Label
from didlearn.labelling.tables import people_table, strata_table
from didlearn.result.parts import Decision
from didlearn.result.values import CheckResult, Estimate, Settles
from didlearn.result.words import count, interval, number, percent
from didlearn.rng import generator
from didlearn.statistics.agreement import agreement
from didlearn.statistics.birthday.labelled import CANDIDATE, FEWEST_PLANTED, corrected_support, uncorrected_support
from didlearn.statistics.intervals import proportion

RESULT_FILE: Final = Path("labels") / "result.json"
_QUESTION: Final = "How many different images can it make, when people decide what a duplicate is?"
_EDGE_SHARE: Final = 0.25
_ONE_IMAGE: Final = 1.0  # whatever makes images at all makes one
_NOTES: Final = (
    "Pairs farther apart than those looked at are taken as no duplicates: where the distance misses some, there are "
    "fewer different images than this says.",
    "The correction takes it that people judge generated pairs as well as planted ones, and err independently of one "
    "another.",
    'An answer "unsure" counts as not called a duplicate, on planted pairs and candidates alike, so that the measured '
    "sensitivity makes up for it; for the agreement it is a missing answer.",
)


def write_outcome(sheet: Sheet, labels: Sequence[Label]) -> CheckResult:
    """Estimate from the labels and write ``RUN/labels/result.json``, atomically."""
    result = outcome(sheet, labels)
    text = result.model_dump_json(indent=1)
    atomically(sheet.run / RESULT_FILE, lambda path: path.write_text(text, encoding="utf-8"))
    return result


def outcome(sheet: Sheet, labels: Sequence[Label]) -> CheckResult:
    """Return the check result ``labels``: the support from people's labels, corrected for their errors.

    Args:
        sheet: the pairs. labels: every standing one.
    """
    level = float(sheet.support.params.get("level", 0.95))
    judged = Judged.of(sheet, labels)
    decision, estimates = _decided(judged, _label_estimates(judged, level))
    return CheckResult(
        check="labels",
        question=_QUESTION,
        **decision._asdict(),
        params={"level": level, "pairs": len(sheet), "candidates": int((sheet.truth == CANDIDATE).sum())},
        estimates=estimates,
        tables=(people_table(judged, level), strata_table(judged, level)),
        notes=_NOTES,
    )


def _label_estimates(judged: Judged, level: float) -> dict[str, Estimate]:
    """Estimate the support, both rates of error of all people together, and how far they agree."""
    rng = generator(0, "labels", judged.sheet.fingerprint)
    found = corrected_support(judged.judgements, rng, level) | uncorrected_support(judged.judgements, level)
    for name, truth in (("sensitivity", 1), ("false_alarms", 0)):
        called, answered = judged.planted(truth)
        if answered:
            found[name] = proportion(called, answered, level)
    agreed = agreement(judged.candidate_answers, rng, level)
    return found if agreed is None else found | {"agreement": agreed}


def _decided(judged: Judged, estimates: dict[str, Estimate]) -> tuple[Decision, dict[str, Estimate]]:
    """Say what the labels show; where duplicates lie beyond the sheet, open the ends that these would move."""
    if "effective_support" not in estimates:
        return _too_few_labels(), estimates
    at_edge = _share_at_edge(judged, estimates)
    if at_edge is not None and at_edge > _EDGE_SHARE:
        opened = _with_open_ends(estimates)
        return _sheet_too_short(at_edge, _answer_sentence(opened, judged)), opened
    reason = "people's labels stand beside the automatic criterion; they are no verdict of their own"
    return Decision("measured", reason, _answer_sentence(estimates, judged)), estimates


def _too_few_labels() -> Decision:
    of = "planted pairs of each kind, and a candidate"
    settles = Settles(clause="label more pairs", of=of, number=FEWEST_PLANTED)
    reason = f"nobody has judged {FEWEST_PLANTED} planted pairs of each kind and a candidate yet; {settles.clause}"
    return Decision("inconclusive", reason, f"Too few pairs are labelled: {reason}.", settles)


def _sheet_too_short(at_edge: float, answer: str) -> Decision:
    settles = Settles(clause="run the support check again with a larger threshold, and label its pairs")
    share = percent(min(at_edge, 1.0))
    found = f"about {share} of the farthest pairs are duplicates still, so that more lie beyond"
    return Decision("inconclusive", f"{found}; {settles.clause}", answer, settles)


def _share_at_edge(judged: Judged, estimates: dict[str, Estimate]) -> float | None:
    """Return Rogan and Gladen's share of duplicates among the farthest candidates that people judged.

    Where it is high, pairs beyond the sheet are duplicates too, and taking them as none is no small thing any more.
    Labels that tell duplicates from distinct pairs no better than chance know of no such share.
    """
    eta, theta = estimates["sensitivity"].point, estimates["false_alarms"].point
    return (judged.called_at_edge() - theta) / (eta - theta) if eta > theta else None


def _with_open_ends(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    """Open the ends that duplicates beyond the sheet would move."""
    ends = {
        "low": ("effective_support", "uncorrected_effective_support"),
        "high": ("collision_probability", "duplicate_pairs"),
    }
    opened = {name: estimates[name].model_copy(update={end: None}) for end, names in ends.items() for name in names}
    return {name: opened.get(name, estimate) for name, estimate in estimates.items()}


def _answer_sentence(estimates: dict[str, Estimate], judged: Judged) -> str:
    people = len(judged.judgements.measured)
    who = "One person" if people == 1 else f"{number(people)} people"
    rates = (
        f"planted duplicates were recognised in {percent(estimates['sensitivity'].point)} of cases, and "
        f"{percent(estimates['false_alarms'].point)} of planted distinct pairs were called duplicates"
    )
    return (
        f"{who} judged {number(int(judged.asked.sum()))} pairs of samples; corrected for their errors, the generator "
        f"makes {_size_words(estimates['effective_support'])}: {rates}."
    )


def _size_words(support: Estimate) -> str:
    if support.value is None:
        return f"at least {count(support.low_or(_ONE_IMAGE))} different images"
    most = "at most " if support.low is None else ""
    return f"{most}about {count(support.value)} different images ({interval(support)})"
