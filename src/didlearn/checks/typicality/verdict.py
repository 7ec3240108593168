"""From the share of real images outside the typical set to a verdict."""

from __future__ import annotations

from typing import Final, NamedTuple

from didlearn.checks.groups import estimate_key
from didlearn.checks.log_likelihood.sigma import Calibration
from didlearn.result.effects import hold, wider
from didlearn.result.parts import Decision, settled_by, settled_by_more
from didlearn.result.values import Estimate, Settles
from didlearn.result.words import number, percent
from didlearn.statistics.intervals import proportion
from didlearn.statistics.planning import draws_to_settle

_LARGER: Final = Settles(clause="a larger budget would settle it", of="gradient evaluations a chain")


class TypicalityLimits(NamedTuple):
    """What is tolerated: ``tolerance`` beyond the nominal share; ``level`` and ``share``: see ``hold``.

    ``slack``: how loose the bounds on a likelihood may be, in nats.
    """

    tolerance: float
    level: float
    share: float
    slack: float


def judge_typicality(
    estimates: dict[str, Estimate],
    outside: int,
    images: int,
    limits: TypicalityLimits,
    groups: list[str],
    noise: Calibration | None,
) -> Decision:
    """Decide whether training images are typical.

    ``fail``: the share of them outside the typical set is shown to exceed the nominal one by more than ``tolerance``,
    and they lie farther off than the bounds are loose. ``pass``: it is shown not to. Else ``inconclusive``, as where
    the chains were too short for the observation noise: under a larger one all real images are too likely.

    Args:
        estimates: of the check. outside: training images outside the typical set, of so many ``images``.
        limits: what is tolerated. groups: names of the real groups. noise: the observation noise, where there is any.
    """
    limit = estimates["atypical_nominal"].point + limits.tolerance
    effect = hold(
        lambda level: proportion(outside, images, level),
        estimate="atypical_train",
        wrong=f"{percent(outside / images)} of its training images lie outside what is typical of it",
        tolerance=min(limit, 1.0),
        level=limits.level,
        share=limits.share,
    )
    said = f"{_said(estimates, groups)} {percent(outside / images)} of them lie outside its typical set"
    said += f" (of its own samples {percent(estimates['atypical_nominal'].point)})."
    shift, slack = estimates["typicality_shift_train"], limits.slack
    away = abs(shift.point) * estimates["sample_spread"].point
    if noise is not None and noise.strained:
        found, left = number(noise.sigma), number(noise.reconstruction)
        words = f"the chains are too short for the observation noise (σ = {found}, where images leave {left}):"
        return _open(said, words, _LARGER)
    if effect.outcome != "within" and away <= slack:
        words = f"they lie {number(away)} nats off, no more than the bounds are loose ({number(slack)}):"
        return _open(said, words, _LARGER)
    if effect.outcome == "beyond":
        return Decision("fail", effect.wrong, said, effects=(effect,))
    if effect.outcome == "within":
        reason = f"at most {percent(limit)} of the training images are shown to lie outside its typical set"
        return Decision("pass", reason, f"{said} They are typical of it.", effects=(effect,))
    share = proportion(outside, images, limits.level)
    words = f"the share outside ({percent(share.low)} to {percent(share.high)}) is not settled;"
    return _open(said, words, _more_images(outside, images, min(limit, 1.0), limits))


def _open(said: str, words: str, settles: Settles) -> Decision:
    reason = f"{words} {settles.clause}"
    return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles)


def _more_images(outside: int, images: int, limit: float, limits: TypicalityLimits) -> Settles:
    """How many images would bring the interval to one side of the limit."""

    def few(hits: int, trials: int) -> bool:
        return proportion(hits, trials, limits.level).high_or(1.0) <= limit

    def many(hits: int, trials: int) -> bool:
        return proportion(hits, trials, wider(limits.level, limits.share)).low_or(0.0) > limit

    needed = draws_to_settle(outside, images, few=few, many=many)
    return settled_by_more("images") if needed is None else settled_by(needed, "images")


def _said(estimates: dict[str, Estimate], groups: list[str]) -> str:
    value, p = estimates["typicality_shift_train"].point, estimates["typicality_pvalue_train"].value
    text = (
        f"Training images are on average {number(abs(value))} standard deviations "
        f"{'likelier' if value > 0 else 'less likely'} than the generator's own samples"
        f"{'' if p is None else f' (p = {number(p, 2)})'}."
    )
    nearest = min(groups, key=lambda name: abs(estimates[estimate_key("typicality_shift", name)].point))
    return text if nearest in ("train", "held-out") else f"{text} {nearest} comes nearer to what is typical of it."
