"""From the scores to a verdict: surely as near to real images as tolerated, surely not, or open."""

from __future__ import annotations

import math
from typing import NamedTuple

from didlearn.checks.fidelity.leave_out import GROUPS
from didlearn.result.effects import IntervalScale, at_levels, failings_of, hold, verdict_of, wider
from didlearn.result.parts import Decision, settled_by_more, settled_by_times
from didlearn.result.values import Effect, Estimate, Outcome, Settles, Side, is_significant
from didlearn.result.words import listed, number, percent
from didlearn.statistics.class_shares import ClassShares
from didlearn.statistics.planning import times_to_show

_LOOKS, _SCORES = 4, 8  # effects of looks, and of all scores, looks first
_SETS = "generated, training and held-out images"


class FidelityLimits(NamedTuple):
    """What is tolerated.

    Attributes:
        tolerance: a loss of precision, coverage, Vendi score. shift: of the law. alpha: the significance asked of it.
        detail: times more or less fine detail. brightness: standard deviations brighter or darker.
        starved: share of its share that every class must have.
    """

    tolerance: float
    shift: float
    alpha: float
    detail: float
    brightness: float
    starved: float


class Classes(NamedTuple):
    """Shares of each class, and the classes' names."""

    shares: ClassShares
    names: tuple[str, ...]


def judge_fidelity(
    found: dict[str, Estimate], classes: Classes | None, limits: FidelityLimits, level: float, share: float
) -> Decision:
    """Decide by precision, coverage and Vendi score against training images, the kernel distance, looks and classes.

    ``fail``: one effect is shown beyond what is tolerated; a shift must be found by the exchange test too
    (p < ``alpha``). ``pass``: all are shown within, but for the classes, which a weak classifier leaves open.
    Else ``inconclusive``.

    Args:
        found: estimates of the check. classes: their shares, where the training images are labelled.
        limits: what is tolerated. level: see ``hold``. share: the check's share of the chance of a false alarm.
    """
    scores = _scores(found, limits, level, share / 2)
    looks = _LOOKS if "fine_detail" in found else 0  # points have none
    # Looks first, for blur and noise mislead the classifier; then classes, whose want leaves real images no neighbours.
    effects = (*scores[:looks], *_starved(classes, limits, level, share / 2), *scores[looks:])
    said = _scores_in_words(found)
    wrong = [failing.wrong for failing in failings_of(effects)]
    if wrong:
        return Decision(
            "fail",
            listed(wrong),
            f"As a set its images are not like real ones: {listed(wrong)}. {said}",
            effects=effects,
        )
    if verdict_of(effects) == "pass":
        reason = "what it loses against training images, and how its images look, is surely within what is tolerated"
        answer = f"As a set its images come as near to real ones as is asked. {said}"
        return Decision("pass", reason, answer, effects=effects)
    opened = [effect for effect in effects if effect.needed and effect.outcome != "within"]
    settles = _settled(found, opened, level, share / 2 / _SCORES) if opened else settled_by_more("samples")
    opened += [effect for effect in effects if effect.outcome == "suspected" and not effect.needed]
    reason = f"whether {listed([effect.wrong for effect in opened])} is open; {settles.clause}"
    return Decision("inconclusive", reason, f"{said} {reason[0].upper()}{reason[1:]}.", settles, effects)


def _scores(found: dict[str, Estimate], limits: FidelityLimits, level: float, share: float) -> list[Effect]:
    """Looks, two sides each of detail and brightness, before the losses and the shift that they may cause."""
    jackknife, normal, loss = GROUPS - 1, math.inf, limits.tolerance
    blur, shift = (found[name].point if name in found else 0.0 for name in ("fine_detail", "brightness_shift"))
    detail = f"({number(blur, 2)} times the fine detail of real ones)"
    light = f"(by {number(abs(shift), 2)} standard deviations)"
    asked: tuple[tuple[str, str, float, Side, float, IntervalScale], ...] = (
        ("fine_detail", f"its images are blurred {detail}", 1 / limits.detail, "below", normal, "log"),
        ("fine_detail", f"its images are noisy {detail}", limits.detail, "above", normal, "log"),
        ("brightness_shift", f"its images are darker {light}", -limits.brightness, "below", normal, "linear"),
        ("brightness_shift", f"its images are brighter {light}", limits.brightness, "above", normal, "linear"),
        ("precision_gap", "its images lie outside the real ones", -loss, "below", jackknife, "linear"),
        ("coverage_gap", "it leaves real images without a neighbour", -loss, "below", jackknife, "linear"),
        ("vendi_ratio", "its images are less diverse", 1 - loss, "below", normal, "log"),
        ("kernel_shift", "its images as a whole differ from real ones", limits.shift, "above", normal, "square"),
    )
    effects = [
        hold(
            at_levels(found[name], freedom, scale),
            estimate=name, wrong=wrong, tolerance=tolerance, level=level, share=share / _SCORES, side=side,
        )
        for name, wrong, tolerance, side, freedom, scale in asked
        if name in found
    ]  # fmt: skip
    return [_if_significant(effect, found["kernel_pvalue"], limits.alpha) for effect in effects]


def _if_significant(effect: Effect, pvalue: Estimate, alpha: float) -> Effect:
    """A shift is shown only where the exchange test finds it too."""
    if effect.estimate != "kernel_shift" or effect.outcome != "beyond" or is_significant(pvalue, alpha):
        return effect
    outcome: Outcome = "open"
    return effect.model_copy(update={"outcome": outcome})


def _starved(classes: Classes | None, limits: FidelityLimits, level: float, share: float) -> list[Effect]:
    """A class that is made too seldom; where the classifier cannot tell, its interval is wide and shows nothing."""
    if classes is None:
        return []

    def held(label: int, name: str) -> Effect:
        wrong, several = _missing(name, classes.shares.estimate(label, level))
        return hold(
            lambda at: classes.shares.estimate(label, at),
            estimate=f"class_share_{name}",
            wrong=wrong,
            several=several,
            tolerance=limits.starved,
            level=level,
            share=share / len(classes.names),
            side="below",
            needed=False,
        )

    return [held(label, name) for label, name in enumerate(classes.names)]


def _missing(name: str, found: Estimate) -> tuple[str, tuple[str, str]]:
    """Say what is wrong with a class, and how it is said with others."""
    if found.low_or(0.0) <= 0:
        return f"it leaves out class {name}", ("it leaves out classes", name)
    share = f"({percent(found.point)} of its share)"
    return f"it makes class {name} too seldom {share}", ("it makes too few of classes", f"{name} {share}")


def _settled(found: dict[str, Estimate], opened: list[Effect], level: float, share: float) -> Settles:
    """How many times the images it takes for every open effect."""
    times = [_times_needed(found[effect.estimate], effect, level, share) for effect in opened]
    known = [one for one in times if one is not None]
    if len(known) < len(times):
        return settled_by_more(_SETS)
    return settled_by_times(math.ceil(max(2.0, *known)), _SETS)


def _times_needed(found: Estimate, effect: Effect, level: float, share: float) -> float | None:
    value, limit = found.point, effect.tolerance
    beyond = (value > limit) == (effect.side == "above")
    half = found.high_or(math.inf) - value if value < limit else value - found.low_or(-math.inf)
    return times_to_show(abs(value - limit), half, found.level, wider(level, share) if beyond else level)


def _scores_in_words(found: dict[str, Estimate]) -> str:
    def beside(name: str, what: str) -> str:
        return f"{percent(found[name].point)} of {what} (training images: {percent(found[f'{name}_train'].point)})"

    distance, null = (found[f"frechet_distance{end}"].point for end in ("", "_train"))
    return (
        f"{beside('precision', 'its images lie among held-out real ones')}; it comes near to "
        f"{beside('coverage', 'those')}, by the stricter recall to {beside('recall', 'them')}. "
        f"Its Fréchet distance is {number(distance)}, of as many training images {number(null)}."
    )


def nothing_to_compare() -> Decision:
    """Return that held-out images which are all alike leave the question open."""
    reason = "all held-out images have the same features, so there is nothing to compare with"
    return Decision("inconclusive", reason, f"Open: {reason}.")
