"""From likelihoods and the gap of their bounds to a verdict."""

from __future__ import annotations

from didlearn.checks.likelihood.measure import preferred
from didlearn.checks.log_likelihood.bounds import key, slack_of
from didlearn.result.parts import Decision
from didlearn.result.values import Estimate


def judge_likelihood(estimates: dict[str, Estimate], outside: list[str], tightness: float, budget: int) -> Decision:
    """Decide whether the generator finds real images likelier than others.

    ``inconclusive``: the bounds' gap exceeds ``tightness`` nats and no preference stands beyond it. ``fail``: some
    outside set is surely likelier than held-out images. ``pass``: held-out images are surely likelier than every
    outside set. ``measured``: nothing outside to compare with. Else ``inconclusive``.
    """
    gap, slack = estimates["bound_gap"], slack_of(estimates)
    said = _said(estimates, slack)
    wins = {name: _preferred(estimates, "held-out", name, slack) for name in outside}
    likelier = [name for name, winner in wins.items() if winner == name]
    if likelier:
        reason = f"{likelier[0]} is likelier than held-out images, by more than loose bounds explain"
        return Decision("fail", reason, f"{said} It finds {likelier[0]} likelier than the kind it was trained on.")
    if (gap.value or 0.0) > tightness and (not wins or "open" in wins.values()):
        need = round(budget * (gap.value or 0.0) / tightness)
        reason = (
            f"the bounds lie {gap.value:.3g} nats apart on its own images; about {need} gradient evaluations a chain"
        )
        reason = f"{reason} would bring them within {tightness:g}"
        return Decision("inconclusive", reason, f"{said} {reason[0].upper()}{reason[1:]}.")
    if not outside:
        reason = "there is no outside set to compare with; give one with --outside NAME=SPEC"
        return Decision("measured", reason, said)
    unsettled = [name for name, winner in wins.items() if winner == "open"]
    if unsettled:
        reason = (
            f"held-out images and {unsettled[0]} differ by less than the intervals and the gap; "
            "more images would settle it"
        )
        return Decision("inconclusive", reason, f"{said} Open: {reason}.")
    reason = "held-out images are likelier than every outside set, by more than loose bounds explain"
    return Decision("pass", reason, f"{said} It finds held-out images likelier than {', '.join(outside)}.")


def _preferred(estimates: dict[str, Estimate], a: str, b: str, slack: float) -> str:
    return preferred(estimates[key(key("preference", a), b)], slack, a, b)


def _said(estimates: dict[str, Estimate], slack: float) -> str:
    train, heldout = estimates["log_likelihood_train"], estimates.get("log_likelihood_heldout")
    text = f"Training images have a log-likelihood of {train.value:.1f} nats"
    if heldout is None:
        return f"{text} (bounds within {slack:.2g})."
    winner = preferred(estimates["preference_train_heldout"], slack, "training", "held-out")
    which = "neither surely likelier" if winner == "open" else f"{winner} images surely likelier"
    own = _preferred(estimates, "generated", "held-out", slack)
    mine = {
        "generated": "its own images are likelier than real ones",
        "held-out": "real images are likelier than its own",
    }
    return (
        f"{text}, held-out ones {heldout.value:.1f} ({which}; bounds within {slack:.2g})"
        f"{'; ' + mine[own] if own in mine else ''}."
    )
