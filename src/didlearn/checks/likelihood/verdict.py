"""From likelihoods and the gap of their bounds to a verdict."""

from __future__ import annotations

from didlearn.checks.likelihood.measure import preference_key, preferred, training_or_heldout
from didlearn.checks.log_likelihood.bounds import slack_of
from didlearn.naming import option
from didlearn.result.parts import Decision, settled_by_more
from didlearn.result.values import Estimate, Settles
from didlearn.result.words import listed, number, to_places


def judge_likelihood(estimates: dict[str, Estimate], outside: list[str], tightness: float, budget: int) -> Decision:
    """Decide whether the generator tells real images from others as it tells its own.

    As ``judge_outside``, beyond the bounds' gap; and ``inconclusive`` where that exceeds ``tightness`` nats.
    """
    gap, slack = estimates["bound_gap"].point, slack_of(estimates)
    said = _likelihoods_in_words(estimates, slack)
    decision = judge_outside(estimates, outside, said, slack)
    return decision if decision.verdict == "fail" or gap <= tightness else _loose(said, gap, tightness, budget)


def judge_outside(estimates: dict[str, Estimate], outside: list[str], said: str, slack: float = 0.0) -> Decision:
    """Decide by what is likelier: held-out images, the generator's own, or those of outside sets.

    Held-out and own images are equally likely under a perfect generator. So an outside set likelier than held-out
    images is a fault where its own are likelier still; where they are not, it is of those simple images that any
    density of richer ones finds likelier (Nalisnick et al. 2019), and says nothing.

    ``fail``: some outside set is surely likelier than held-out images, and surely less likely than its own.
    ``measured``: there is none, or all are surely likelier than its own. ``pass``: held-out images are surely likelier
    than every other outside set. Else ``inconclusive``.
    """
    if not outside:
        other = option("outside", "{NAME: SPEC}", "NAME=SPEC")
        return Decision("measured", f"there is no outside set to compare with; give one with {other}", said)
    beyond = " by more than loose bounds explain" if slack else ""
    held = {name: _preferred(estimates, "held-out", name, slack) for name in outside}
    own = {name: _preferred(estimates, "generated", name, slack) for name in outside}
    wrong = [name for name in outside if (held[name], own[name]) == (name, "generated")]
    simple = [name for name in outside if held[name] == own[name] == name]
    told = [name for name in outside if held[name] == "held-out"]
    if wrong:
        reason = f"{wrong[0]} is likelier than held-out images and less likely than its own{beyond}"
        return Decision("fail", reason, f"{said} It finds {wrong[0]} likelier than the kind it was trained on.")
    if len(told) + len(simple) < len(outside):
        open_one = next(name for name in outside if name not in told + simple)
        settles = settled_by_more("images")
        reason = f"{open_one} is not surely less likely than real images; {settles.clause}"
        return Decision("inconclusive", reason, f"{said} Open: {reason}.", settles)
    nothing = f"its own images too are less likely than {listed(simple)}, as beside simple ones, which says nothing"
    if not told:
        return Decision("measured", nothing, f"{said} But {nothing}." if simple else said)
    reason = f"held-out images are likelier than {listed(told)}{beyond}"
    beside = f"; {nothing}" if simple else ""
    return Decision("pass", f"{reason}{beside}", f"{said} It finds held-out images likelier than {listed(told)}.")


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
    which = training_or_heldout(estimates, slack)
    own = _preferred(estimates, "generated", "held-out", slack)
    mine = {
        "generated": "; its own images are likelier than real ones",
        "held-out": "; real images are likelier than its own",
    }
    return f"{text}, held-out ones {to_places(heldout.point)} ({which}; bounds within {within}){mine.get(own, '')}."
