"""What a judged check judges: an effect in the user's units, held against what is tolerated by its interval.

Two errors are kept apart. An audit answers *no* where any one effect is shown beyond its tolerance, so the chance of a
false alarm is shared among all of them (Bonferroni): ``hold`` looks at a wider interval for it. It answers *yes* only
where every one is shown within, which is wrong no more often than the single interval that is wrong (an
intersection–union test; Berger 1982), so nothing is shared there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from didlearn.result.values import Effect, Estimate, Outcome, Side, Verdict


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
) -> Effect:
    """Hold an effect against its tolerance.

    Args:
        measured: the effect with its interval at a level of confidence.
        estimate, wrong, tolerance, side, needed: see ``Effect``.
        level: at which it is shown within; 1 − level is the chance of any false alarm in a whole audit.
        share: this effect's share of that chance.
    """
    outcome: Outcome = "open"
    if _lies(measured(1 - 2 * (1 - level) * share), tolerance, beyond=side):
        outcome = "beyond"
    elif _lies(measured(level), tolerance, beyond="below" if side == "above" else "above", rim=True):
        outcome = "within"
    return Effect(estimate=estimate, wrong=wrong, tolerance=tolerance, side=side, outcome=outcome, needed=needed)


def verdict_of(effects: Iterable[Effect]) -> Verdict:
    """Return ``fail`` where one effect is beyond, ``pass`` where every needed one is within, else ``inconclusive``."""
    known = list(effects)
    if any(effect.outcome == "beyond" for effect in known):
        return "fail"
    return "pass" if all(effect.outcome == "within" for effect in known if effect.needed) else "inconclusive"


def _lies(found: Estimate, tolerance: float, *, beyond: Side, rim: bool = False) -> bool:
    """Whether the whole interval lies above or below the tolerance; with ``rim``, touching it is enough."""
    end = found.low if beyond == "above" else found.high
    if end is None:
        return False
    distance = end - tolerance if beyond == "above" else tolerance - end
    return distance >= 0 if rim else distance > 0
