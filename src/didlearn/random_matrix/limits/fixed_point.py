"""The coupled fixed point δ_ℓ(z) = (1/p) tr Σ_ℓ Q(z), by Newton's method on the real axis itself.

    Q(z) = ( (1/c) Σ_j π_j Σ_j / (1 + δ_j) + z I )^{-1}

At z = −x the solution wanted is the limit from above, z = −(x + i0). No small imaginary part is added: inside the
spectrum the limit is itself an isolated root with every Im δ_ℓ > 0, and outside it is the only real root at which
the plain iteration would converge, ρ(K) < 1 with K_ℓj = (π_j / c)(1 + δ_j)^{-2} (1/p) tr Σ_ℓ Q Σ_j Q. Both are
checked, so a wrong root is never taken. Where a dense block makes K dear, Broyden's update stands in for it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from didlearn.arrays import Floats
from didlearn.random_matrix.limits.structure import Blocks, Numbers, Solved

_STEPS = 40
_SLOW = 0.2
_REAL = 100.0
_FAR = 1e8
_POLE = 1e-12
_PATIENCE = 6


@dataclass(frozen=True)
class Root:
    """δ(z) at z = −ζ; the resolvent Q that belongs to it is worked out again where it is not the last one."""

    zeta: complex
    delta: Numbers
    kind: Literal["bulk", "outside", "above"]
    equations: FixedPoint

    @property
    def solved(self) -> Solved:
        """Return Q at this point."""
        return self.equations.resolvent(self)


class NoRootError(ArithmeticError):
    """Newton's method found no root from this start."""


class FixedPoint:
    """The equations of one population, in units of its mean variance.

    Attributes:
        blocks: covariances in their common basis. proportions: π, (k,). ratio: c = p / n.
    """

    def __init__(self, blocks: Blocks, proportions: Floats, ratio: float) -> None:
        self.blocks = blocks
        self.proportions = proportions
        self.ratio = ratio
        self.tolerance = 1e-11 if self._cheap else 1e-8
        self.evaluations = 0
        self._inverse: Numbers | None = None
        self._last: tuple[Numbers, Solved] | None = None
        self._lives = self.solve(np.zeros(len(proportions)), 1.0).traces() > 1e-14

    def weights(self, delta: Numbers) -> Numbers:
        """Return w_j = π_j / (c (1 + δ_j))."""
        return self.proportions / (self.ratio * (1 + delta))

    def solve(self, delta: Numbers, z: complex) -> Solved:
        """Return Q at δ and z, and count it.

        Raises:
            NoRootError: δ is at the pole of the weights, or is no number.
        """
        if not (np.abs(1 + delta) > _POLE).all():
            raise NoRootError(f"no Q at {delta}, where weights have their pole")
        self.evaluations += 1
        return self.blocks.solve(self.weights(delta), z)

    def stability(self, delta: Numbers, solved: Solved, *, single: bool = False) -> Numbers:
        """Return K, the derivative of the right-hand side in δ, (k, k); ``single``: to six digits, in half the time."""
        return solved.pairs(single) * (self.proportions / (self.ratio * (1 + delta) ** 2))

    def slope(self, root: Root) -> Numbers:
        """Return dδ/dz."""
        matrix = np.eye(len(root.delta)) - self.stability(root.delta, root.solved)
        return np.linalg.solve(matrix, -root.solved.squares())

    def newton(self, zeta: complex, start: Numbers, stability: Numbers | None = None) -> Root:
        """Return the root near ``start`` at z = −ζ, whichever it is; ``stability`` is K nearby, where it is known.

        Raises:
            NoRootError: the steps did not shrink to the tolerance.
        """
        delta, z = start, -zeta if isinstance(zeta, complex) and zeta.imag else -float(np.real(zeta))
        solved = self.solve(delta, z)
        residual, previous = delta - solved.traces(), np.inf
        least, stalled = np.inf, 0
        inverse = self._start(delta, solved) if stability is None else _inverse(np.eye(len(delta)) - stability)
        for _ in range(_STEPS):
            step = inverse @ residual
            size = float(np.abs(step).max() / (1 + np.abs(delta).max()))
            if size <= self.tolerance:
                self._inverse = inverse
                return self._root(zeta, delta, "above", solved)
            least, stalled = min(least, size), stalled + 1 if size > 0.7 * least else 0
            if not size < _FAR or stalled > _PATIENCE:
                break
            delta = delta - step
            solved = self.solve(delta, z)
            last, residual = residual, delta - solved.traces()
            exact = self._cheap or size > _SLOW * previous
            inverse = self._jacobian(delta, solved) if exact else _broyden(inverse, -step, residual - last)
            previous = np.inf if exact and not self._cheap else size
        raise NoRootError(f"no root near {start} at {zeta}")

    def real_axis(self, x: float, start: Numbers, stability: Numbers | None = None) -> Root:
        """Return the physical root at ζ = x + i0 that Newton finds from ``start`` (and K nearby, where it is known).

        Raises:
            NoRootError: it finds none, or one that is not the limit from above.
        """
        root = self.newton(x, start, stability)
        imaginary = np.imag(root.delta)[self._lives]
        rounding = _REAL * self.tolerance * (1 + np.abs(root.delta[self._lives]))
        if np.iscomplexobj(root.delta) and (imaginary > rounding).all():
            return Root(x, root.delta, "bulk", self)
        if (np.abs(imaginary) > np.maximum(rounding, 1e-6 * (1 + np.abs(root.delta).max()))).any():
            raise NoRootError(f"the root at {x} lies on the wrong side")
        delta = np.real(root.delta).astype(float)
        outside = Root(x, delta, "outside", self)
        if np.isrealobj(root.delta) and self._last is not None:
            self._last = delta, self._last[1]  # the same root under its new name: its Q is known
        if self.radius(outside) > 1 + (1e-6 if self._cheap else 1e-5):
            raise NoRootError(f"the real root at {x} is not the stable one")
        return outside

    def radius(self, root: Root) -> float:
        """Return ρ(K): below 1 outside the spectrum, 1 at its edge."""
        return float(np.abs(np.linalg.eigvals(self.stability(root.delta, root.solved, single=True))).max())

    def descend(self, x: float, height: float) -> Root:
        """Return the physical root at x + i0, come down to from x + i·height, where the iteration contracts.

        Raises:
            NoRootError: not even ever smaller steps led to the axis.
        """
        self._inverse = None
        delta: Numbers = np.zeros(len(self.proportions), complex)
        for _ in range(8):
            delta = self.solve(delta, -(x + 1j * height)).traces()
        factor = 0.15
        while height > 1e-13 * x:
            try:
                root = self.newton(complex(x, height), delta)
                if (np.imag(root.delta)[self._lives] <= 0).any():
                    raise NoRootError(f"the root at {x} + {height}i lies on the wrong side")
            except NoRootError:
                self._inverse = None
                height, factor = height / factor * factor**0.5, factor**0.5
                if factor > 0.97:
                    raise
                continue
            delta = root.delta
            if height < x:
                with suppress(NoRootError):
                    return self.real_axis(x, delta)
                self._inverse = None
            height *= factor
        return Root(x, root.delta, "bulk", self)

    def positive(self, z: float, start: Numbers | None = None) -> Root:
        """Return the one positive solution at z > 0."""
        delta = np.zeros(len(self.proportions)) if start is None else start
        self._inverse = None
        for _ in range(2000):
            solved = self.solve(delta, z)
            step = delta - solved.traces()
            trial = delta - self._jacobian(delta, solved) @ step
            delta = trial if (trial > 0.1 * delta).all() and (trial[self._lives] > 0).all() else delta - step
            if np.abs(step).max() <= self.tolerance * (1 + np.abs(delta).max()):
                return Root(-z, delta, "outside", self)
        raise NoRootError(f"no positive root at z = {z}")

    def resolvent(self, root: Root) -> Solved:
        """Return Q at a root, from memory where it was the last one found: keeping all would fill the memory."""
        if self._last is None or self._last[0] is not root.delta:
            self._last = root.delta, self.solve(root.delta, -root.zeta)
        return self._last[1]

    def _root(self, zeta: complex, delta: Numbers, kind: Literal["above"], solved: Solved) -> Root:
        self._last = delta, solved
        return Root(zeta, delta, kind, self)

    @property
    def _cheap(self) -> bool:
        return not self.blocks.dense.shape[1]

    def _start(self, delta: Numbers, solved: Solved) -> Numbers:
        unlike = self._inverse is None or (np.iscomplexobj(self._inverse) and np.isrealobj(delta))
        if self._cheap or self._inverse is None or unlike:  # a complex step would leave the real axis for dear
            return self._jacobian(delta, solved)
        return self._inverse

    def _jacobian(self, delta: Numbers, solved: Solved) -> Numbers:
        return _inverse(np.eye(len(delta)) - self.stability(delta, solved, single=not self._cheap))


def _inverse(matrix: Numbers) -> Numbers:
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(matrix)


def _broyden(inverse: Numbers, step: Numbers, change: Numbers) -> Numbers:
    """Return Broyden's good update of the inverse Jacobian, by the Sherman-Morrison formula."""
    row = step.conj() @ inverse
    denominator = row @ change
    if abs(denominator) < 1e-300:
        return inverse
    return inverse + np.outer((step - inverse @ change) / denominator, row)
