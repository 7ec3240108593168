"""From the difference of likelihoods to a verdict."""

from __future__ import annotations

import math

from didlearn.checks.groups import estimate_key
from didlearn.checks.log_likelihood.bounds import slack_of
from didlearn.result.parts import Decision, settled_by, settled_by_more
from didlearn.result.values import Estimate, Settles, is_significant
from didlearn.result.words import number


def judge_typicality(estimates: dict[str, Estimate], tolerance: float, alpha: float, groups: list[str]) -> Decision:
    """Decide whether training images are typical.

    ``fail``: their mean surely differs (p < ``alpha``), by more than the bounds' gap. ``pass``: it surely lies within
    ``tolerance`` standard deviations. Else ``inconclusive``.
    """
    shift, p = estimates["typicality_shift_train"], estimates["typicality_pvalue_train"]
    slack, away = slack_of(estimates), abs(shift.point) * estimates["sample_spread"].point
    said = _shift_in_words(estimates, groups)
    if is_significant(p, alpha) and away <= slack:
        settles = Settles(clause="a larger budget would settle it", of="gradient evaluations a chain")
        words = f"the difference ({number(away)} nats) is no larger than the bounds are loose ({number(slack)}):"
        return _left_open(said, words, settles)
    if is_significant(p, alpha):
        return Decision(
            "fail", f"their mean log-likelihood differs from its own samples' (p = {number(p.point, 2)})", said
        )
    # A shift may be of any size: an open end lies beyond every tolerance.
    low, high = shift.low_or(-math.inf), shift.high_or(math.inf)
    if -tolerance <= low and high <= tolerance:
        reason = (
            f"their mean log-likelihood surely lies within {number(tolerance)} standard deviations of its own samples'"
        )
        return Decision("pass", reason, f"{said} They are typical of it.")
    words = f"the difference ({number(low, 2)} to {number(high, 2)} standard deviations) is not settled;"
    return _left_open(said, words, _more_images(shift.point, (high - low) / 2, shift.n, tolerance))


def _left_open(said: str, words: str, settles: Settles) -> Decision:
    reason = f"{words} {settles.clause}"
    return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles)


def _more_images(value: float, half: float, n: int, tolerance: float) -> Settles:
    """How many images would bring the interval, which shrinks with their root, within the tolerance."""
    if math.isinf(half):
        return settled_by_more("images")
    return settled_by(math.ceil(n * (half / max(tolerance - abs(value), 0.1 * tolerance)) ** 2), "images")


def _shift_in_words(estimates: dict[str, Estimate], groups: list[str]) -> str:
    value, p = estimates["typicality_shift_train"].point, estimates["typicality_pvalue_train"].value
    text = (
        f"Training images are on average {number(abs(value))} standard deviations "
        f"{'likelier' if value > 0 else 'less likely'} than the generator's own samples"
        f"{'' if p is None else f' (p = {number(p, 2)})'}."
    )
    nearest = min(groups, key=lambda name: abs(estimates[estimate_key("typicality_shift", name)].point))
    return text if nearest in ("train", "held-out") else f"{text} {nearest} comes nearer to what is typical of it."
