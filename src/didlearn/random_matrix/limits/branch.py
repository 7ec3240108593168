"""δ along the real axis, each point warm-started from those solved before it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Floats
from didlearn.random_matrix.limits.fixed_point import FixedPoint, NoRootError, Root
from didlearn.random_matrix.limits.mixture import Population
from didlearn.random_matrix.limits.structure import Numbers, common_blocks

_FEW, _APART = 5, 1e-3


class Outside(NamedTuple):
    """An outer edge, and δ (k,) at points x on its far side and at the edge itself."""

    edge: float
    known: dict[float, Floats]


class Branch:
    """The physical solution at ζ = x + i0 for x > 0, in units of the mean variance; every point is kept.

    Attributes:
        equations: what is solved. ratio: c. highest: no part of the spectrum without means lies beyond.
        edges: of the spectrum, as far as they are found.
        outer: the least and the greatest point of the spectrum, once they are known, each with real solutions (x, δ)
            that lie outside of it, x < 0 among them.
    """

    def __init__(self, population: Population, device: str = "cpu") -> None:
        scale = population.scale
        blocks = common_blocks(population.means / np.sqrt(scale), population.covariances / scale, device)
        self.equations = FixedPoint(blocks, population.proportions, population.ratio)
        self.ratio = population.ratio
        norm = max(float(np.linalg.norm(s, 2)) for s in population.covariances) / scale
        self.highest = norm * (1 + self.ratio**-0.5) ** 2
        self._roots: dict[float, Root] = {}
        self._order: list[float] = []
        self.edges: list[float] = []
        self.outer: tuple[Outside, Outside] | None = None

    @property
    def dense(self) -> bool:
        """Return whether a point costs an inverse of a matrix."""
        return self.equations.blocks.dense.shape[1] > 0

    def at(self, x: float) -> Root:
        """Return the physical root at ζ = x + i0."""
        if x not in self._roots:
            self._keep(x, self._find(x))
        return self._roots[x]

    def near(self, x: float, delta: Numbers, stability: Numbers) -> Root:
        """Return the physical root at ζ = x + i0, sought first from δ and K foretold for it."""
        if x not in self._roots:
            try:
                self._keep(x, self.equations.real_axis(x, delta, stability))
            except NoRootError:
                self._keep(x, self._find(x))
        return self._roots[x]

    def learn(self, root: Root) -> None:
        """Take in a root found elsewhere."""
        if root.zeta.real not in self._roots:
            self._keep(root.zeta.real, root)

    def knows(self, x: float) -> bool:
        """Return whether x is solved."""
        return x in self._roots

    def solved(self) -> list[float]:
        """Return every x solved so far, ascending."""
        return list(self._order)

    def density(self, root: Root) -> float:
        """Return f(x) = Im m / π with m(ζ) = −(1/ζ) Σ_ℓ π_ℓ / (1 + δ_ℓ)."""
        if root.kind == "outside":
            return 0.0
        stieltjes = -(self.equations.proportions @ (1 / (1 + root.delta))) / root.zeta
        return max(float(np.imag(stieltjes)) / np.pi, 0.0)

    def distribution(self, root: Root) -> float:
        """Return F(x) = −Im Φ(−x − i0) / π, with no integral over the density.

        Φ(z) = lim (1/n) log det(G + zI) = (c/p) log det(Σ_j w_j Σ_j + zI)
               + Σ_ℓ π_ℓ [log(1 + δ_ℓ) − δ_ℓ / (1 + δ_ℓ)] + (1 − c) log z,
        which is stationary in δ, so that dΦ/dz = (1/n) tr R.
        """
        pi, delta = self.equations.proportions, root.delta.astype(complex)
        phase = self.ratio / self.equations.blocks.dimension * root.solved.phase()
        inner = np.angle(1 + delta) - np.imag(delta / (1 + delta))
        return float(np.clip(1 - self.ratio - (phase + pi @ inner) / np.pi, 0, 1))

    def mass_at_zero(self) -> float:
        """Return lim z m(−z) = lim Σ_ℓ π_ℓ / (1 + δ_ℓ(z)) for z ↓ 0: the fraction of eigenvalues that vanish."""
        start: Numbers | None = None
        for z in np.geomspace(1, 1e-13, 14):
            start = self.equations.positive(float(z), start).delta
        mass = float(self.equations.proportions @ (1 / (1 + np.asarray(start, float))))
        return mass if mass > 1e-5 else 0.0

    def _keep(self, x: float, root: Root) -> None:
        self._roots[x] = root
        insort(self._order, x)

    def _find(self, x: float) -> Root:
        for start in self._starts(x):
            try:
                return self.equations.real_axis(x, start)
            except NoRootError:
                continue
        return self.equations.descend(x, 2 * (self.highest + x))

    def _starts(self, x: float) -> list[Numbers]:
        """Guess from the nearest points: the polynomial through up to four of one kind, then the nearest alone."""
        beside = self._beside(x)
        if beside is not None:
            return [beside]
        near = self._nearest(x)
        if not near:
            return [np.zeros(len(self.equations.proportions))] if x > self.highest else []
        first = self._roots[near[0]]
        same = [other for other in near if self._roots[other].kind == first.kind]
        guess = lagrange(x, same, [self._roots[other].delta for other in same])
        if first.kind == "bulk" and not (np.imag(guess) >= 0.5 * np.imag(first.delta)).all():
            return [first.delta]
        return [guess]

    def _beside(self, x: float) -> Numbers | None:
        """Guess below or beyond all of the spectrum, where δ is real and analytic in √|x − edge|.

        With p > n it has a pole at zero, which xδ has not.
        """
        if self.outer is None or self.outer[0].edge <= x <= self.outer[1].edge:
            return None
        below = x < self.outer[0].edge
        edge, known = self.outer[0 if below else 1]
        known = known | {
            y: np.real(self._roots[y].delta)
            for y in self._order
            if (y < edge) == below and y != edge and self._roots[y].kind == "outside"
        }
        height = {y: float(np.sqrt(abs(y - edge))) for y in (x, *known)}
        near: list[float] = []
        for y in sorted(known, key=lambda y: abs(height[y] - height[x])):
            if len(near) < _FEW and all(abs(height[y] - height[z]) > _APART * (height[y] + height[z]) for z in near):
                near.append(y)
        power = 1 if below and self.ratio > 1 else 0
        values = [y**power * known[y] for y in near]
        return lagrange(height[x], [height[y] for y in near], values) / x**power

    def _nearest(self, x: float) -> list[float]:
        place = bisect_left(self._order, x)
        return sorted(self._order[max(place - 4, 0) : place + 4], key=lambda other: abs(other - x))[:4]


def lagrange(x: float, nodes: Sequence[float], values: Sequence[Numbers]) -> Numbers:
    """Return Lagrange's polynomial through the values at the nodes, at x."""
    total = np.zeros_like(values[0])
    for i, (node, value) in enumerate(zip(nodes, values, strict=True)):
        others = np.array([*nodes[:i], *nodes[i + 1 :]])
        total = total + np.prod((x - others) / (node - others)) * value
    return total
