"""From ratios of supports to a verdict: does it repeat itself, look alike, or use too little of the data's spread?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from didlearn.checks.duplicate_counts import Counts, PairCounts
from didlearn.checks.relative_support import FEWEST_HELD_OUT, RelativeSupport
from didlearn.checks.sameness import LOOKALIKES
from didlearn.checks.support.measure import Duplicates
from didlearn.result.effects import failings_of, hold, verdict_of
from didlearn.result.parts import Decision, settled_by, settled_by_more
from didlearn.result.values import Effect, Estimate, Settles
from didlearn.result.words import count, interval, number, percent
from didlearn.statistics.intervals import joint_level
from didlearn.statistics.planning import POWER

_LOOK_ALIKE = "its pictures look alike more often than real ones do, at growing distances"
_EFFECTS = 2 + len(LOOKALIKES)
_z = NormalDist().inv_cdf
_LIMIT = 10**9


@dataclass(frozen=True)
class Held:
    """What is judged.

    Attributes:
        same: pairs within the distance of the same picture. lookalikes: within the larger distances, by name.
        relative: the data's spread that the samples use, or ``None`` where too few images are held out.
    """

    same: Duplicates[Counts]
    lookalikes: dict[str, Duplicates[PairCounts]]
    relative: RelativeSupport | None

    def together(self, level: float) -> float:
        """The level of each support's interval, so that those of all distances hold at once with ``level``."""
        return joint_level(level, 1 + len(self.lookalikes))

    def effects(self, factor: float, level: float, share: float) -> tuple[Effect, ...]:
        """Hold every ratio against 1/``factor``; ``share``: their part of the chance of a false alarm."""

        def held_to(
            measured: Callable[[float], Estimate], estimate: str, wrong: str,
            needed: bool = False, several: tuple[str, str] | None = None,
        ) -> Effect:  # fmt: skip
            return hold(
                measured, estimate=estimate, wrong=wrong, tolerance=1 / factor, level=level, share=share / _EFFECTS,
                side="below", needed=needed, several=several,
            )  # fmt: skip

        held = []
        if self.same.real is not None:
            support = self.same.own.support(self.together(level))
            wrong = f"it repeats itself ({_about(support)})"
            held.append(held_to(self.same.ratio, "support_ratio", wrong))
        for name, found in self.lookalikes.items():
            times = _times(found.ratio(level))
            wrong = f"its pictures look alike {times} as often as real ones do"
            held.append(held_to(found.ratio, f"lookalike_ratio_{name}", wrong, several=(_LOOK_ALIKE, times)))
        if self.relative is not None:
            used = self.relative.share
            wrong = f"it uses about {percent(used(level).value)} of the data's spread"
            held.append(held_to(used, "relative_support", wrong, needed=True))
        return tuple(held)


def judge_support(held: Held, factor: float, level: float, share: float) -> Decision:
    """Decide by how often samples are one picture, look alike, and lie near one another, against real images.

    ``fail``: at one distance the generator is shown to have less than 1/``factor`` of the different images that real
    images show, or to use less than that share of the data's spread. ``pass``: it is shown to use at least that share,
    and nothing of the other is suspected. ``measured``: nothing real to compare with. Else ``inconclusive``.
    """
    said = _said(held, level)
    if held.same.real is None:
        return Decision("measured", "there are no real images to compare with", said)
    effects = held.effects(factor, level, share)
    beyond = failings_of(effects)
    if beyond:
        # Blur makes samples lie nearer to one another, too: little of the spread is not few different images.
        but = "But" if {failing.estimate for failing in beyond} == {"relative_support"} else "That is too few:"
        wrong = [failing.wrong for failing in beyond]
        return Decision("fail", wrong[0], f"{said} {but} {', '.join(wrong)}.", effects=effects)
    if held.relative is None:
        settles = settled_by(FEWEST_HELD_OUT, "held-out images")
        reason = f"too few images are held out to measure the data's spread; {settles.clause}"
        return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles, effects)
    used = f"it uses {_share(held.relative.share(level))} of the data's spread"
    if verdict_of(effects) == "pass":
        return Decision("pass", f"{used}, at least {percent(1 / factor)}", f"{said} And {used}.", effects=effects)
    suspected = next((effect for effect in effects if effect.outcome == "suspected" and not effect.needed), None)
    if suspected is not None:
        settles = settled_by_more("real images")
        reason = f"perhaps {suspected.wrong}; {settles.clause}"
        return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles, effects)
    settles = settle(held.relative, factor, level)
    reason = f"{used}, and {percent(1 / factor)} is asked; {settles.clause}"
    return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles, effects)


def settle(relative: RelativeSupport, factor: float, level: float) -> Settles:
    """Say how many samples would settle whether the share used is at least 1/``factor``.

    The interval on the logarithm has the variance of the samples' pairs, which falls as they grow, and that of the
    held-out images', which stays. A repetition finds another value: the number is planned so that it still settles in
    ``POWER`` of repetitions, its own error and today's both allowed for.
    """
    own, control = relative.own, relative.control
    used = relative.share(level)
    if used.value is None or own.rate == 0 or control.rate == 0:
        return settled_by_more("samples")
    gap = abs(math.log(used.value * factor))
    fixed = control.variance / control.rate**2

    def shown(variance: float) -> bool:
        again = math.sqrt(variance + own.variance / own.rate**2)
        return gap >= _z((1 + level) / 2) * math.sqrt(variance + fixed) + _z(POWER) * again

    samples = own.images
    while samples < _LIMIT:
        samples = math.ceil(1.1 * samples)
        if shown(own.at(samples).variance / own.rate**2):
            return settled_by(samples, "samples")
    return _more_held_out(relative, gap, level)


def _more_held_out(relative: RelativeSupport, gap: float, level: float) -> Settles:
    """Both grow together: the variance falls at least as their number does."""
    own, control = relative.own, relative.control
    spread = math.sqrt(own.variance / own.rate**2 + control.variance / control.rate**2)
    need = (_z((1 + level) / 2) + _z(POWER)) * spread
    times = 1.2 * (need / gap) ** 2 if gap > 0 else math.inf
    if times * control.images > _LIMIT:
        return Settles(clause="at these rates no number of images within reach settles it")
    return settled_by(math.ceil(2 * times * control.images), "held-out images, and as many times more samples,")


def _said(held: Held, level: float) -> str:
    own, found = held.same.own.support(held.together(level)), held.same.own
    if own.value is None:
        return (
            f"No picture came twice among {number(found.samples)} samples: the generator makes "
            f"{interval(own)} different images."
        )
    if found.pairs == found.samples * (found.samples - 1) // 2:
        return f"The generator made the same image {number(found.samples)} times."
    return f"The generator makes {_about(own)} ({interval(own)})."


def _about(support: Estimate) -> str:
    if support.value is None:
        return f"{interval(support)} images"
    return f"about {count(support.value)} image{'s' if round(support.value) != 1 else ''}"


def _times(ratio: Estimate) -> str:
    """How many times as often samples are that close: one over the ratio, or at least one over its high end."""
    if ratio.value:
        return f"{number(1 / ratio.value, 2)} times"
    return f"at least {number(1 / ratio.high, 2)} times" if ratio.high else "more"


def _share(used: Estimate) -> str:
    """A share of the data's spread: all of it where the ratio exceeds 1."""
    low, high = percent(used.low), None if used.high is None else percent(used.high)
    if used.value is None or high is None:
        return f"at least {low}"
    return f"{percent(used.value)} ({low} to {high})"
