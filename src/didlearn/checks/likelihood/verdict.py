"""From likelihoods and the gap of their bounds to a verdict."""

from __future__ import annotations

from didlearn.checks.likelihood.measure import preference_key, preferred
from didlearn.checks.log_likelihood.bounds import slack_of
from didlearn.naming import option
from didlearn.result.parts import Decision, settled_by_more
from didlearn.result.values import Estimate, Settles
from didlearn.result.words import number, to_places

_OPEN = "open"


def judge_likelihood(estimates: dict[str, Estimate], outside: list[str], tightness: float, budget: int) -> Decision:
    """Decide whether the generator finds real images likelier than others.

    ``fail``: some outside set is surely likelier than held-out images, beyond the bounds' gap. ``inconclusive``: the
    gap exceeds ``tightness`` nats. ``pass``: held-out images are surely likelier than every outside set.
    ``measured``: nothing outside to compare with. Else ``inconclusive``.
    """
    gap, slack = estimates["bound_gap"].point, slack_of(estimates)
    said = _likelihoods_in_words(estimates, slack)
    wins = {name: _preferred(estimates, "held-out", name, slack) for name in outside}
    likelier = [name for name, winner in wins.items() if winner == name]
    unsettled = [name for name, winner in wins.items() if winner == _OPEN]
    if likelier:
        reason = f"{likelier[0]} is likelier than held-out images, by more than loose bounds explain"
        return Decision("fail", reason, f"{said} It finds {likelier[0]} likelier than the kind it was trained on.")
    if gap > tightness:
        return _loose(said, gap, tightness, budget)
    if not outside:
        other = option("outside", "{NAME: SPEC}", "NAME=SPEC")
        reason = f"there is no outside set to compare with; give one with {other}"
        return Decision("measured", reason, said)
    if unsettled:
        settles = settled_by_more("images")
        words = f"held-out images and {unsettled[0]} differ by less than the intervals and the gap"
        reason = f"{words}; {settles.clause}"
        return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles)
    reason = "held-out images are likelier than every outside set, by more than loose bounds explain"
    return Decision("pass", reason, f"{said} It finds held-out images likelier than {', '.join(outside)}.")


def _loose(said: str, gap: float, tightness: float, budget: int) -> Decision:
    """The gap shrinks in proportion to the budget."""
    need = round(budget * gap / tightness)
    clause = f"about {number(need)} gradient evaluations a chain would bring them within {number(tightness)}"
    settles = Settles(clause=clause, of="gradient evaluations a chain", number=need)
    reason = f"the bounds lie {number(gap)} nats apart on its own images; {clause}"
    return Decision("inconclusive", reason, f"{said} {reason[0].upper()}{reason[1:]}.", settles)


def _preferred(estimates: dict[str, Estimate], a: str, b: str, slack: float) -> str:
    return preferred(estimates[preference_key(a, b)], slack, a, b)


def _likelihoods_in_words(estimates: dict[str, Estimate], slack: float) -> str:
    train, heldout = estimates["log_likelihood_train"].point, estimates.get("log_likelihood_heldout")
    text, within = f"Training images have a log-likelihood of {to_places(train)} nats", number(slack, 2)
    if heldout is None:
        return f"{text} (bounds within {within})."
    winner = preferred(estimates["preference_train_heldout"], slack, "training", "held-out")
    which = "neither surely likelier" if winner == _OPEN else f"{winner} images surely likelier"
    own = _preferred(estimates, "generated", "held-out", slack)
    mine = {
        "generated": "; its own images are likelier than real ones",
        "held-out": "; real images are likelier than its own",
    }
    return f"{text}, held-out ones {to_places(heldout.point)} ({which}; bounds within {within}){mine.get(own, '')}."
