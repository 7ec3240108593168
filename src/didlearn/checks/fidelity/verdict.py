"""From the scores to a verdict: surely as near to real images as tolerated, surely not, or open."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from didlearn.result.parts import Decision, settled_by_times
from didlearn.result.values import Estimate, Settles, is_significant
from didlearn.result.words import number, percent

_MOST_TIMES = 10_000  # times as many images: nobody has them
_SETS = "generated, training and held-out images"


class FidelityLimits(NamedTuple):
    """What is tolerated: a loss against training images, a shift of the law, and the significance asked of a shift."""

    tolerance: float
    shift: float
    alpha: float


class Finding(NamedTuple):
    """One way to miss the real law: what is wrong if it is, whether it is, and how many times the images settle it."""

    words: str
    outcome: Literal["fail", "pass", "inconclusive"]
    need: float


class Miss(NamedTuple):
    """How far something lies beyond the real law, with its interval: positive is worse."""

    value: float
    low: float
    high: float


def judge_fidelity(found: dict[str, Estimate], limits: FidelityLimits) -> Decision:
    """Decide by precision, coverage and Vendi score against training images, and by the kernel distance.

    ``fail``: the interval of one loss lies wholly beyond ``tolerance``, or the shift surely exceeds ``shift`` and the
    exchange test finds it (p < ``alpha``). ``pass``: all intervals lie within. Else ``inconclusive``.

    Args:
        found: estimates of the check. limits: what is tolerated.
    """
    findings = [
        _lost("its images lie outside the real ones", found["precision_gap"], 0, limits.tolerance),
        _lost("it leaves real images without a neighbour", found["coverage_gap"], 0, limits.tolerance),
        _lost("its images are less diverse", found["vendi_ratio"], 1, limits.tolerance),
        _shifted(found["kernel_shift"], found["kernel_pvalue"], limits),
    ]
    said = _scores_in_words(found)
    failed = [finding.words for finding in findings if finding.outcome == "fail"]
    if failed:
        reason = f"{_list(failed)}, surely beyond what is tolerated"
        return Decision("fail", reason, f"As a set its images are not like real ones: {_list(failed)}. {said}")
    opened = [finding for finding in findings if finding.outcome == "inconclusive"]
    if opened:
        return _open_findings(said, opened)
    reason = "what it loses against training images, and how far its law is shifted, is surely within what is tolerated"
    return Decision("pass", reason, f"As a set its images come as near to real ones as is asked. {said}")


def nothing_to_compare() -> Decision:
    """Return that held-out images which are all alike leave the question open."""
    reason = "all held-out images have the same features, so there is nothing to compare with"
    return Decision("inconclusive", reason, f"Open: {reason}.")


def _open_findings(said: str, opened: list[Finding]) -> Decision:
    settles = _images_needed(max(finding.need for finding in opened))
    reason = f"whether {_list([finding.words for finding in opened])} is open; {settles.clause}"
    return Decision("inconclusive", reason, f"{said} {reason[0].upper()}{reason[1:]}.", settles)


def _lost(words: str, score: Estimate, null: float, tolerance: float) -> Finding:
    """Compare how far a score lies below that of training images with what may be lost."""
    miss = Miss(null - score.point, null - score.high_or(math.inf), null - score.low_or(-math.inf))
    return Finding(words, _side(miss, tolerance), _times_needed(miss, tolerance))


def _shifted(shift: Estimate, pvalue: Estimate, limits: FidelityLimits) -> Finding:
    miss = Miss(shift.point, shift.low_or(0.0), shift.high_or(math.inf))
    outcome = _side(miss, limits.shift)
    if outcome == "fail" and not is_significant(pvalue, limits.alpha):
        outcome = "inconclusive"
    return Finding("its law is shifted", outcome, _times_needed(miss, limits.shift))


def _side(miss: Miss, limit: float) -> Literal["fail", "pass", "inconclusive"]:
    return "fail" if miss.low > limit else "pass" if miss.high <= limit else "inconclusive"


def _times_needed(miss: Miss, limit: float) -> float:
    """How many times the images it takes: the half of the interval towards the limit shrinks like 1/√n."""
    half = miss.high - miss.value if miss.value < limit else miss.value - miss.low
    gap = abs(miss.value - limit)
    return min(_MOST_TIMES, max(2.0, (half / gap) ** 2)) if gap > 0 else _MOST_TIMES


def _images_needed(times: float) -> Settles:
    if times >= _MOST_TIMES:
        return Settles(clause="at these values no number of images within reach settles it")
    return settled_by_times(math.ceil(times), _SETS)


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _scores_in_words(found: dict[str, Estimate]) -> str:
    def beside(name: str, what: str) -> str:
        return f"{percent(found[name].point)} of {what} (training images: {percent(found[f'{name}_train'].point)})"

    distance, null = (found[f"frechet_distance{end}"].point for end in ("", "_train"))
    return (
        f"{beside('precision', 'its images lie among held-out real ones')}; it comes near to "
        f"{beside('coverage', 'those')}, by the stricter recall to {beside('recall', 'them')}. "
        f"Its Fréchet distance is {number(distance)}, of as many training images {number(null)}."
    )
