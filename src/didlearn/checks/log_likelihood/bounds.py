"""How loose the bounds on a log-likelihood may be, and what its numbers are called."""

from __future__ import annotations

from typing import Any

from didlearn.arrays import Array
from didlearn.evidence.bdmc import Sandwich
from didlearn.result.parts import Parts
from didlearn.result.values import Estimate, exactly
from didlearn.statistics.means import mean

Likelihoods = dict[str, Array]
NATS = "nats"
ROLES: dict[str, Any] = {"train": "train", "held-out": "heldout", "generated": "generated"}


def key(prefix: str, name: str) -> str:
    """Return an estimate's name for a group."""
    return f"{prefix}_" + {"held-out": "heldout"}.get(name, name)


def gap_parts(bounds: Sandwich, level: float) -> Parts:
    """How far apart the bounds are on images the model made."""
    method = "upper − lower bound (bidirectional Monte Carlo) on simulated images"
    gap = mean(bounds.upper - bounds.lower, level, NATS).model_copy(update={"method": method})
    return Parts({"bound_gap": gap})


def drift_parts(before: Likelihoods, after: Likelihoods, level: float) -> Parts:
    """The largest rise of a group's mean when the budget was doubled: on real images bounds may be looser."""
    rises = {name: float(after[name].mean() - before[name].mean()) for name in after}
    name = max(rises, key=lambda n: rises[n])
    rise = exactly(max(rises[name], 0.0), level, len(after[name]), f"rise of {name} from half the budget", NATS)
    return Parts({"effort_drift": rise})


def slack_of(estimates: dict[str, Estimate]) -> float:
    """Return how loose the bounds may be, in nats: their gap on simulated images, or what more effort still changed."""
    gap, drift = estimates["bound_gap"].high or 0.0, estimates["effort_drift"].value or 0.0
    return max(gap, drift, 0.0)
