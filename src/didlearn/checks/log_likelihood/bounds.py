"""How loose the bounds on a log-likelihood may be."""

from __future__ import annotations

import math

from didlearn.arrays import Floats
from didlearn.evidence.bdmc import Sandwich
from didlearn.result.values import Estimate, exactly
from didlearn.statistics.means import mean

Likelihoods = dict[str, Floats]
NATS = "nats"


def bound_gap(bounds: Sandwich, level: float) -> dict[str, Estimate]:
    """How far apart the bounds are on images the model made."""
    method = "upper − lower bound (bidirectional Monte Carlo) on simulated images"
    gap = mean(bounds.upper - bounds.lower, level, NATS).model_copy(update={"method": method})
    return {"bound_gap": gap}


def effort_drift(before: Likelihoods, after: Likelihoods, level: float) -> dict[str, Estimate]:
    """The largest rise of a group's mean when the budget was doubled: on real images bounds may be looser."""
    rises = {name: float(after[name].mean() - before[name].mean()) for name in after}
    name = max(rises, key=lambda n: rises[n])
    rise = exactly(max(rises[name], 0.0), level, len(after[name]), f"rise of {name} from half the budget", NATS)
    return {"effort_drift": rise}


def slack_of(estimates: dict[str, Estimate]) -> float:
    """Return how loose the bounds may be, in nats: their gap on simulated images, or what more effort still changed.

    What was not measured is no tightness: without an upper end the bounds may be as loose as they like.
    """
    ends = (estimates["bound_gap"].high, estimates["effort_drift"].value)
    return max(math.inf if end is None else end for end in (*ends, 0.0))
