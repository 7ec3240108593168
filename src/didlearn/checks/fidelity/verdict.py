"""From the scores to a verdict: surely as near to real images as tolerated, surely not, or open."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from didlearn.result.parts import Decision
from didlearn.result.values import Estimate
from didlearn.result.words import number, percent

MOST = 1e4  # times as many images: nobody has them


class Limits(NamedTuple):
    """What is tolerated: a loss against training images, a shift of the law, and the significance asked of a shift."""

    tolerance: float
    shift: float
    alpha: float


class Finding(NamedTuple):
    """One way to miss the real law: what is wrong if it is, whether it is, and how many times the images settle it."""

    words: str
    outcome: Literal["fail", "pass", "inconclusive"]
    need: float


def judge_fidelity(found: dict[str, Estimate], limits: Limits) -> Decision:
    """Decide by precision, coverage and Vendi score against training images', and by the kernel distance.

    ``fail``: the interval of one loss lies wholly beyond ``tolerance``, or the shift surely exceeds ``shift`` and the
    exchange test finds it (p < ``alpha``). ``pass``: all intervals lie within. Else ``inconclusive``.

    Args:
        found: estimates of the check. limits: what is tolerated.
    """
    findings = [
        _loss(found["precision_gap"], limits.tolerance, "its images lie outside the real ones"),
        _loss(found["coverage_gap"], limits.tolerance, "it leaves real images without a neighbour"),
        _loss(_less_one(found["vendi_ratio"]), limits.tolerance, "its images are less diverse"),
        _shifted(found, limits),
    ]
    said = _said(found)
    failed = [finding.words for finding in findings if finding.outcome == "fail"]
    if failed:
        reason = f"{_list(failed)}, surely beyond what is tolerated"
        return Decision("fail", reason, f"As a set its images are not like real ones: {_list(failed)}. {said}")
    opened = [finding for finding in findings if finding.outcome == "inconclusive"]
    if opened:
        reason = f"whether {_list([finding.words for finding in opened])} is open; {_need(opened)}"
        return Decision("inconclusive", reason, f"{said} {reason[0].upper()}{reason[1:]}.")
    reason = "what it loses against training images, and how far its law is shifted, is surely within what is tolerated"
    return Decision("pass", reason, f"As a set its images come as near to real ones as is asked. {said}")


def _loss(gap: Estimate, tolerance: float, words: str) -> Finding:
    """Compare a difference that should not be below −``tolerance``."""
    value, low, high = (end if end is not None else 0.0 for end in (gap.value, gap.low, gap.high))
    return Finding(words, _side(-high, -low, tolerance), _times(-value, -high, -low, tolerance))


def _shifted(found: dict[str, Estimate], limits: Limits) -> Finding:
    shift, pvalue = found["kernel_shift"], found["kernel_pvalue"].value or 0.0
    value, low, high = (end if end is not None else 0.0 for end in (shift.value, shift.low, shift.high))
    outcome = _side(low, high, limits.shift)
    if outcome == "fail" and pvalue >= limits.alpha:
        outcome = "inconclusive"
    return Finding("its law is shifted", outcome, _times(value, low, high, limits.shift))


def _less_one(ratio: Estimate) -> Estimate:
    ends = {key: end - 1 for key in ("value", "low", "high") if (end := getattr(ratio, key)) is not None}
    return ratio.model_copy(update=ends)


def _side(low: float, high: float, limit: float) -> Literal["fail", "pass", "inconclusive"]:
    return "fail" if low > limit else "pass" if high <= limit else "inconclusive"


def _times(value: float, low: float, high: float, limit: float) -> float:
    """How many times the images it takes: the half of the interval towards the limit shrinks like 1/√n."""
    half, gap = (high - value if value < limit else value - low), abs(value - limit)
    return min(MOST, max(2.0, (half / gap) ** 2)) if gap > 0 else MOST


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _need(opened: list[Finding]) -> str:
    most = max(finding.need for finding in opened)
    if most >= MOST:
        return "at these values no number of images within reach settles it"
    return f"about {number(math.ceil(most))} times as many generated, training and held-out images would settle it"


def _said(found: dict[str, Estimate]) -> str:
    def beside(name: str, what: str) -> str:
        own, null = _value(found, name), _value(found, f"{name}_train")
        return f"{percent(own)} of {what} (training images: {percent(null)})"

    distance, null = _value(found, "frechet_distance"), _value(found, "frechet_distance_train")
    return (
        f"{beside('precision', 'its images lie among held-out real ones')}; it comes near to "
        f"{beside('coverage', 'those')}, by the stricter recall to {beside('recall', 'them')}. "
        f"Its Fréchet distance is {number(distance)}, of as many training images {number(null)}."
    )


def _value(found: dict[str, Estimate], name: str) -> float:
    return found[name].value or 0.0
