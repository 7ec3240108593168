"""From copies, and what is nearer than it should be, to a verdict: copied, shown not to be, or open."""

from __future__ import annotations

import math
from typing import NamedTuple

from didlearn.checks.memorization.measure import Copies
from didlearn.naming import option
from didlearn.result.effects import hold, wider
from didlearn.result.parts import Decision, settled_by, settled_by_more, settled_by_times
from didlearn.result.values import Effect, Estimate, Settles, is_significant
from didlearn.result.words import number, percent
from didlearn.statistics.copying.excess import Matches, Rules
from didlearn.statistics.planning import draws_to_settle, times_to_show

_EFFECTS = 3  # the copied fraction, certain copies, leaning on the training set


class CopyLimits(NamedTuple):
    """What is tolerated.

    Attributes:
        tolerance: share of copies that is no copying. alpha: significance. level: see ``hold``.
        share: the check's share of the chance of a false alarm.
    """

    tolerance: float
    alpha: float
    level: float
    share: float


def too_few_left(heldout: int) -> Decision:
    """Decide nothing where nearly all held-out images leaked."""
    settles = settled_by_more("held-out images that the generator was not trained on")
    reason = f"{number(heldout)} held-out images are left once those that leaked are taken out; {settles.clause}"
    return Decision("inconclusive", reason, f"Whether it copies cannot be told: {reason}.", settles)


def judge_copying(
    estimates: dict[str, Estimate], copies: Copies, limits: CopyLimits, *, honest: bool, worn: str | None = None
) -> Decision:
    """Decide whether the generator copies.

    ``fail``: certain copies, or the copied fraction, are shown to exceed ``tolerance``; for the latter, samples that
    match a real image must match training images more than chance would (p < ``alpha``; not asked for unless
    ``honest``). Or the data-copying test and the training preference are both significant at the effect's share of the
    chance of a false alarm (the first alone also sees blur).
    ``pass``: the copied fraction is surely at most ``tolerance``, or what is left of it once matches with held-out
    images are discounted is; and training images are not preferred.

    Args:
        estimates: of the check. copies: the counts behind them. limits: what is tolerated.
        honest: whether the generator surely never saw the held-out images.
        worn: what was done to most of the copies, or ``None``.
    """
    effects = _shares(copies, limits)
    return _decided(estimates, copies, limits, effects, honest=honest, worn=worn)._replace(effects=effects)


def _decided(
    estimates: dict[str, Estimate],
    copies: Copies,
    limits: CopyLimits,
    effects: tuple[Effect, Effect],
    *,
    honest: bool,
    worn: str | None,
) -> Decision:
    copied, tolerance, (within, certain) = estimates["copied_fraction"], limits.tolerance, effects
    low, high = copied.low_or(0.0), copied.high_or(1.0)
    nearer, preferred, matched = (
        is_significant(estimates.get(f"{name}_pvalue"), limits.alpha)
        for name in ("data_copying", "training_preference", "match_preference")
    )
    disguise = "" if worn is None or low <= 0 else f", most of them in disguise ({worn})"
    said = _share_said(copied.value, low, high) + disguise + _exact(copies.exact)
    no_blur = matched or not honest
    if certain.outcome == "beyond" or (within.outcome == "beyond" and no_blur):
        return Decision("fail", within.wrong, f"{said}.")
    if preferred:
        return _leaning(said, estimates, limits, nearer=nearer)
    if high <= tolerance:
        return _no_copying(said, tolerance, _room(estimates, tolerance), nearer=nearer)
    if honest and low > tolerance and high * _share_of_copies(estimates) <= tolerance:
        return _smooth(copied)
    if low > tolerance and not no_blur:
        settles = settled_by_more("held-out images")
        return _unsettled(said, f"whether the matches are copies or blur is open; {settles.clause}", settles)
    if copied.value is None:
        settles = Settles(clause="a smaller threshold would settle it")
        return _unsettled(said, f"every held-out image lies within the copy threshold too; {settles.clause}", settles)
    settles = _copies_needed(copies.within, limits)
    reason = f"the copied fraction is not settled; {settles.clause}"
    return Decision("inconclusive", reason, f"{said}; {settles.clause}.", settles)


def _share_said(value: float | None, low: float, high: float) -> str:
    if value is None:
        return "Which of its samples are copies cannot be told"
    return f"{percent(value)} of its samples are copies of training images ({percent(low)} to {percent(high)})"


def _shares(copies: Copies, limits: CopyLimits) -> tuple[Effect, Effect]:
    """Hold the shares of copies within the threshold, and of certain ones, against the tolerance."""
    value = copies.within.fraction(limits.level).value
    wrong = f"it copies its training set ({'no telling how many' if value is None else percent(value)} of its samples)"
    within, certain = (
        hold(
            matches.fraction,
            estimate=name,
            wrong=wrong,
            tolerance=limits.tolerance,
            level=limits.level,
            share=limits.share / _EFFECTS,
        )
        for name, matches in (("copied_fraction", copies.within), ("certain_copies", copies.certain))
    )
    return within, certain


def _exact(exact: Matches) -> str:
    """Certain copies are said however few there are."""
    if not exact.own:
        return ""
    beside = f", as are {number(exact.real)} of {number(exact.heldout)} held-out images" if exact.real else ""
    return f"; {number(exact.own)} of {number(exact.samples)} are training images to the last bit{beside}"


def _leaning(said: str, estimates: dict[str, Estimate], limits: CopyLimits, *, nearer: bool) -> Decision:
    """Training images are preferred: a failure where samples are also nearer to them than held-out images are."""
    strict = (1 - limits.level) * limits.share / _EFFECTS
    found = [estimates.get(f"{name}_pvalue") for name in ("data_copying", "training_preference")]
    if all(is_significant(pvalue, strict) for pvalue in found):
        reason = "samples are nearer to the training set than held-out images are, and prefer it over held-out images"
        return Decision("fail", reason, f"It leans on its training set: {reason}. {said}.")
    if nearer:
        reason = (
            "samples may be nearer to the training set than held-out images are, and prefer it over held-out images"
        )
        return _unsettled(said, reason, settled_by_more("samples and held-out images"))
    reason = "training images are preferred over held-out ones, but the data-copying test sees nothing"
    return _unsettled(said, reason, None)


def _room(estimates: dict[str, Estimate], tolerance: float) -> str:
    """Say what room natural twins leave for copies in disguise, where it is more than is tolerated."""
    hidden = estimates.get("aligned_fraction")
    if hidden is None or hidden.high_or(1.0) <= tolerance:
        return ""
    return f" As far as pictures can be lined up, at most {percent(hidden.high_or(1.0))} are copies in disguise."


def _no_copying(said: str, tolerance: float, room: str, *, nearer: bool) -> Decision:
    reason = f"the copied fraction is at most {percent(tolerance)} and training images are not preferred"
    blur = " Its samples are near to the training set, but as near to held-out images: smooth, not copied." * nearer
    return Decision("pass", reason, f"No copying found: {said}.{blur}{room}")


def _smooth(copied: Estimate) -> Decision:
    reason = "samples that match a real image match held-out images as often as training images"
    words = f"{percent(copied.point)} of its samples come as near to a training image as a copy would, but {reason}"
    return Decision("pass", reason, f"No copying found: {words}: smooth, not copied.")


def _unsettled(said: str, reason: str, settles: Settles | None) -> Decision:
    return Decision("inconclusive", reason, f"{said}; {reason}.", settles)


def _share_of_copies(estimates: dict[str, Estimate]) -> float:
    """Bound the share c of copies among the matches: a share c + (1 − c)e of them is nearest to a training image."""
    share, expected = estimates.get("match_preference"), estimates["training_preference_expected"].point
    high = 1.0 if share is None else share.high_or(1.0)
    return max(0.0, (high - expected) / (1 - expected)) if expected < 1 else 1.0


def _copies_needed(within: Rules, limits: CopyLimits) -> Settles:
    """More samples, or where the held-out images' own error is in the way, more of both."""
    rule, ending = within.chosen(limits.level), within.ending(limits.level)
    matches, found = rule
    beyond = within.strict(wider(limits.level, limits.share / _EFFECTS))

    def again(own: int, samples: int, level: float) -> Estimate:
        return Matches(own, samples, matches.real, matches.heldout).fraction(level)

    def few(own: int, samples: int) -> bool:
        return again(own, samples, ending).high_or(1.0) / found <= limits.tolerance

    def many(own: int, samples: int) -> bool:
        return again(own, samples, beyond).low_or(0.0) > limits.tolerance

    samples = draws_to_settle(matches.own, matches.samples, few=few, many=many)
    lined_up = rule is not within.rules[0]  # by default fewer are lined up than are drawn
    if samples is not None:
        return settled_by(samples, "samples", f" ({option('aligned', samples)})" if lined_up else "")
    copied = matches.fraction(limits.level)
    above = copied.point > limits.tolerance
    # Of a few matches the interval ends at 0 below: its error is then what it reaches above.
    upward = not above or copied.low_or(0.0) <= 0
    half = copied.high_or(1.0) - copied.point if upward else copied.point - copied.low_or(0.0)
    times = times_to_show(abs(copied.point - limits.tolerance), half, limits.level, beyond if above else ending)
    both, how = "samples and held-out images", f", {option('aligned', None)} raised alike," if lined_up else ""
    return settled_by_more(both) if times is None else settled_by_times(math.ceil(times), both, how)
