"""Which share is copies, where several rules of what matches are at hand and none is best for every change?

A strict rule matches few independent images and misses copies that were changed much; a loose one finds those too,
among more chance matches. By each rule the share found beyond held-out images is at most the share of copies, so the
largest is the nearest to it. The rule taken is the one that shows most: whose interval begins highest, at the level
that all rules together are held to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from didlearn.arrays import Ints
from didlearn.result.values import Estimate
from didlearn.statistics.copying.authenticity import copied_fraction
from didlearn.statistics.intervals import joint_level

_OWN = 0.8  # of the error that the end of an interval may make: of the rule that is taken
_ALIKE = 0.2  # p-value: shares that differ by more are not one


class Matches(NamedTuple):
    """How many of the ``samples`` match a training image, ``own``, and how many of the ``heldout`` images, ``real``.

    Others that are as ``independent`` of the training images may stand with the held-out ones.
    """

    own: int
    samples: int
    real: int
    heldout: int

    def fraction(self, level: float) -> Estimate:
        """Return the share of copies: what matches beyond the share of held-out images that do."""
        return copied_fraction(self.own, self.samples, self.real, self.heldout, level)


def each_once(row: Ints, partner: Ints, images: int, population: int) -> tuple[int, int]:
    """Count matches among images of one set as fewer, independent ones.

    Both images of a pair match, and all of a picture that recurs, so that matches come in clusters of sizes c: as many
    say as little as Σc/(Σc²/Σc) independent ones (the design effect; Kish 1965), and so do the images.

    Args:
        row, partner: (k,) images that match, and the ones they match. images: how many were looked at, of
            ``population`` that they were looked up among.

    Returns:
        matches, and images, rounded.
    """
    effect = 1 + images / population  # of pairs, where none is seen
    if len(row):
        edges = coo_array((np.ones(len(row), bool), (row, partner)), shape=(population, population))
        sizes = np.bincount(connected_components(edges, directed=False)[1][row])
        effect = max(effect, float((sizes**2).sum() / sizes.sum()))
    return round(len(row) / effect), max(1, round(images / effect))


def independent(heldout: tuple[int, int], again: tuple[int, int]) -> tuple[int, int]:
    """Count matches, and images, among all that are independent of the training images they match.

    Under one law training images match one another as held-out ones match them, and both together say more of how
    often chance does. Where the two differ (Fisher's test) held-out images alone count.

    Args:
        heldout: matches among the held-out images, and how many there are. again: the same of training images that
            were looked up among the others, ``each_once``.
    """
    (real, count), (same, others) = heldout, again
    if not others or stats.fisher_exact([[real, count - real], [same, others - same]]).pvalue < _ALIKE:
        return heldout
    return real + same, count + others


class Rule(NamedTuple):
    """One rule's ``matches``, and the share ``found`` of disguised copies that match by it."""

    matches: Matches
    found: float


class Rules(NamedTuple):
    """Several rules of what matches; each was tried on the same kind of images."""

    rules: tuple[Rule, ...]

    @classmethod
    def one(cls, matches: Matches) -> Rules:
        """Return a single rule that finds every copy."""
        return cls((Rule(matches, 1.0),))

    def strict(self, level: float) -> float:
        """Return the level at which each rule is looked at, so that all of them together hold ``level``."""
        return joint_level(level, len(self.rules))

    def ending(self, level: float) -> float:
        """Return the level at which the chosen rule ends: most of the error is its own, the others share the rest."""
        return level if len(self.rules) == 1 else 1 - _OWN * (1 - level)

    def best(self, level: float) -> int:
        """Return which rule shows most copies; of several that show as many, the one that chance fits least often.

        What it shows is read at the strict level: of several rules one shows something by chance at ``level`` in every
        fifth perfect generator, and a loose one leaves room for many copies.
        """
        strict = self.strict(level)

        def shows(which: int) -> tuple[float, float, float]:
            matches, found = self.rules[which]
            return matches.fraction(strict).low_or(0.0), -matches.real / matches.heldout, found

        return max(range(len(self.rules)), key=shows)

    def chosen(self, level: float) -> Rule:
        """Return that rule."""
        return self.rules[self.best(level)]

    def fraction(self, level: float) -> Estimate:
        """Estimate the share of copies by the rule that shows most.

        The interval begins where some rule's begins, each at a level that allows for the choice among all. It ends
        where the chosen rule's does, or where one that matches at least as many samples leaves room for copies that it
        misses: the least of their ends, each over the share of disguised copies found. The chosen rule is taken for
        what it shows and not for how early it ends, so it need not pay for the choice.
        """
        chosen = self.chosen(level)
        share, strict = chosen.matches.fraction(level), self.strict(level)
        if share.value is None or len(self.rules) == 1:
            return share
        low = max(rule.matches.fraction(strict).low_or(0.0) for rule in self.rules)
        ending, others = self.ending(level), joint_level(1 - (1 - _OWN) * (1 - level), len(self.rules) - 1)
        matching = [rule for rule in self.rules if _matching(rule) >= _matching(chosen)]
        room = min(_end(rule, ending if rule is chosen else others) for rule in matching)
        high = min(1.0, max(share.high_or(1.0), room))
        method = f"{share.method}; of {len(self.rules)} rules the one that shows most"
        return share.model_copy(update={"low": min(low, share.value), "high": high, "method": method})


def _matching(rule: Rule) -> float:
    return rule.matches.own / rule.matches.samples


def _end(rule: Rule, level: float) -> float:
    return rule.matches.fraction(level).high_or(1.0) / rule.found
