"""What a judged check judges: an effect in the user's units, held against what is tolerated by its interval.

Two errors are kept apart. An audit answers *no* where any one effect is shown beyond its tolerance, so the chance of a
false alarm is shared among all of them (Bonferroni): ``hold`` looks at a wider interval for it. It answers *yes* only
where every one is shown within, which is wrong no more often than the single interval that is wrong (an
intersection–union test; Berger 1982), so nothing is shared there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from didlearn.result.values import Effect, Estimate, Outcome, Side, Verdict
from didlearn.result.words import listed

_NAMED = 12  # of one kind: more are counted


def hold(
    measured: Callable[[float], Estimate],
    *,
    estimate: str,
    wrong: str,
    tolerance: float,
    level: float,
    share: float,
    side: Side = "above",
    needed: bool = True,
    several: tuple[str, str] | None = None,
) -> Effect:
    """Hold an effect against its tolerance.

    Args:
        measured: the effect with its interval at a level of confidence.
        estimate, wrong, tolerance, side, needed, several: see ``Effect``.
        level: at which it is shown within; 1 − level is the chance of any false alarm in a whole audit.
        share: this effect's share of that chance.
    """
    outcome: Outcome = "open"
    if _lies(measured(wider(level, share)), tolerance, beyond=side):
        outcome = "beyond"
    elif _lies(measured(level), tolerance, beyond=side):
        outcome = "suspected"
    elif _lies(measured(level), tolerance, beyond="below" if side == "above" else "above", rim=True):
        outcome = "within"
    return Effect(
        estimate=estimate, wrong=wrong, several=several, tolerance=tolerance, side=side, outcome=outcome, needed=needed
    )


def wider(level: float, share: float) -> float:
    """Return the level of the interval that shows an effect beyond: a share of 1 − ``level`` lies past its end."""
    return 1 - 2 * (1 - level) * share


def verdict_of(effects: Iterable[Effect]) -> Verdict:
    """Return ``fail`` where one effect is beyond, ``pass`` where every needed one is within and none is suspected.

    Else ``inconclusive``.
    """
    known = list(effects)
    if any(effect.outcome == "beyond" for effect in known):
        return "fail"
    if any(effect.outcome == "suspected" for effect in known):
        return "inconclusive"
    return "pass" if all(effect.outcome == "within" for effect in known if effect.needed) else "inconclusive"


class Failing(NamedTuple):
    """What is wrong, and by which estimate; by none where the check has only a reason."""

    wrong: str
    estimate: str = ""


def failings_of(effects: Iterable[Effect]) -> list[Failing]:
    """Return what is shown beyond its tolerance, in order, several of one kind as one."""
    kinds: dict[str, list[Effect]] = {}
    for effect in effects:
        if effect.outcome == "beyond":
            kinds.setdefault(effect.several[0] if effect.several else effect.wrong, []).append(effect)
    return [Failing(_said(kind, same), same[0].estimate) for kind, same in kinds.items()]


def _said(kind: str, same: list[Effect]) -> str:
    names = [effect.several[1] for effect in same if effect.several]
    return f"{kind} {listed(names, _NAMED)}" if len(names) > 1 else same[0].wrong


def _lies(found: Estimate, tolerance: float, *, beyond: Side, rim: bool = False) -> bool:
    """Whether the whole interval lies above or below the tolerance; with ``rim``, touching it is enough."""
    end = found.low if beyond == "above" else found.high
    if end is None:
        return False
    distance = end - tolerance if beyond == "above" else tolerance - end
    return distance >= 0 if rim else distance > 0


IntervalScale = Literal["linear", "log", "square"]
_SCALES: dict[IntervalScale, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "linear": (float, float),
    "log": (math.log, math.exp),
    "square": (lambda x: x * x, lambda x: math.sqrt(max(0.0, x))),
}


def at_levels(
    found: Estimate, freedom: float = math.inf, scale: IntervalScale = "linear"
) -> Callable[[float], Estimate]:
    """Return the estimate at other levels, of an interval that is the value ± an error times Student's quantile.

    Args:
        found: with its interval. freedom: degrees of freedom of the error; infinite: normal.
        scale: on which the interval is symmetric, or each of its halves grows: of the square, an end below 0 is 0.
    """
    there, back = _SCALES[scale]

    def measured(level: float) -> Estimate:
        times = _reach(level, freedom) / _reach(found.level, freedom)

        def end(of: float | None) -> float | None:
            return None if of is None else back(there(found.point) + times * (there(of) - there(found.point)))

        return found.model_copy(update={"low": end(found.low), "high": end(found.high), "level": level})

    return measured


def _reach(level: float, freedom: float) -> float:
    """How many standard errors an interval reaches to either side."""
    from scipy import stats  # seconds to load, and whoever reads an answer loads this file

    law = stats.norm if math.isinf(freedom) else stats.t(freedom)
    return float(law.ppf((1 + level) / 2))
