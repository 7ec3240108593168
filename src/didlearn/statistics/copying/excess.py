"""Which share is copies, where several rules of what matches are at hand and none is best for every change?

A strict rule matches few independent images and misses copies that were changed much; a loose one finds those too, among
more chance matches. By each rule the share found beyond held-out images is at most the share of copies, so the largest
is the nearest to it. The rule taken is the one that shows most: whose interval begins highest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from didlearn.result.values import Estimate
from didlearn.statistics.copying.authenticity import copied_fraction


class Matches(NamedTuple):
    """How many of the ``samples`` match a training image, ``own``, and how many of the ``heldout`` images, ``real``."""

    own: int
    samples: int
    real: int
    heldout: int

    def fraction(self, level: float) -> Estimate:
        """Return the share of copies: what matches beyond the share of held-out images that do."""
        return copied_fraction(self.own, self.samples, self.real, self.heldout, level)


class Rule(NamedTuple):
    """One rule's ``matches``, and the share ``found`` of disguised copies that match by it."""

    matches: Matches
    found: float


def best_rule(rules: Sequence[Rule], level: float) -> int:
    """Return which rule shows most copies; of several that show as many, the one whose interval ends lowest."""

    def shows(which: int) -> tuple[float, float]:
        share = rules[which].matches.fraction(level)
        return share.low_or(0.0), -share.high_or(1.0) / rules[which].found

    return max(range(len(rules)), key=shows)


def share_of_copies(rules: Sequence[Rule], level: float) -> Estimate:
    """Estimate the share of copies by the rule that shows most.

    The interval begins where some rule's begins, each at a level that allows for the choice among all, and ends where
    the chosen rule's does, over the share of disguised copies that it finds.

    Args:
        rules: one or more. level: nominal coverage.
    """
    chosen = rules[best_rule(rules, level)]
    share, strict = chosen.matches.fraction(level), 1 - (1 - level) / len(rules)
    low = max(rule.matches.fraction(strict).low_or(0.0) for rule in rules)
    high = None if share.high is None else min(1.0, share.high / chosen.found)
    method = f"{share.method}; the one of {len(rules)} rules that shows most"
    value = share.value
    return share.model_copy(
        update={
            "value": value,
            "low": low if value is None else min(low, value),
            "high": high if value is None or high is None else max(high, value),
            "method": method,
        }
    )
