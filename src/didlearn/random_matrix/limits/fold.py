"""The outer edges of the spectrum as folds of the real solution, so that no complex matrix is inverted to find them.

Outside the spectrum δ is real, and with u = 1 / Σ_j π_j δ_j both x and δ / Σ_j π_j δ_j are analytic in u, through the
edge and beyond it: x(u) turns round there. For one white class x = u / (c (1 + u)) − u, so that

    y(u) = (1 + dx/du)^{-1/2}

is linear in u; it is nearly so for others, is 1 at the edge, and the secant rule finds it in a few steps. Just inside
the spectrum u is complex and the same polynomial foretells δ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Floats
from didlearn.random_matrix.limits.branch import lagrange
from didlearn.random_matrix.limits.fixed_point import FixedPoint, NoRootError, Root
from didlearn.random_matrix.limits.structure import Numbers

_STEPS, _CORRECTIONS = 40, 8
_KEPT, _APART = 3, 0.01
_STRIDE = 0.5
_CLOSE = 1e-4
_CLEAR = 1.05
_SMALL = 1e-8


@dataclass(frozen=True)
class Fold:
    """An edge, and the curve that leads to it.

    Attributes:
        edge: x there. delta: δ, (k,). stability: K, (k, k).
        places: u of the last points. values: x and δ / Σ π δ there, (m, 1 + k). slopes: their derivatives in u.
        bend: d²x/du² at the edge. pivot: u at the edge.
        path: roots outside the spectrum that lead to the edge, and the edge itself, those with x > 0.
        outside: δ by x at all of these, those with x < 0 too.
    """

    edge: float
    delta: Floats
    stability: Floats
    places: Floats
    values: Floats
    slopes: Floats
    bend: float
    pivot: float
    path: tuple[Root, ...]
    outside: dict[float, Floats]

    def inside(self, x: float) -> Floats:
        """Return δ foretold at x + i0 inside the spectrum near this edge, (k,) complex."""
        away = np.sqrt(complex(2 * (x - self.edge) / self.bend))
        sides = [self.pivot + away, self.pivot - away]
        found = [hermite(u, self.places, self.values, self.slopes)[1:] / u for u in sides]
        return max(found, key=lambda delta: float(np.imag(delta).sum()))


@dataclass(frozen=True)
class _Point:
    u: float
    x: float
    delta: Floats
    stability: Floats
    squares: Floats
    slope: Floats

    @property
    def speed(self) -> float:
        return float(self.slope[0])

    @property
    def y(self) -> float:
        return float((1 + self.speed) ** -0.5) if self.speed > -1 else np.inf

    @property
    def value(self) -> Floats:
        return np.append(self.x, self.delta * self.u)


def find_fold(start: Root) -> Fold:
    """Follow the real solution from a root outside the spectrum to the first edge.

    Raises:
        NoRootError: the curve was lost, or it ends at no edge.
    """
    equations = start.equations
    points = [_point(equations, start.zeta.real, np.real(start.delta).astype(float))]
    for _ in range(_STEPS):
        last = points[-1]
        if not np.isfinite(last.y):
            raise NoRootError(f"the real solution is no longer stable at {last.x}")
        left = abs(last.speed * (1 - last.y) * (1 + last.u))
        if abs(last.y - 1) < _CLOSE and left < _CLOSE**2 * abs(last.x) and len(points) > 1:
            return _edge(equations, points)
        points.append(_next(equations, points))
    raise NoRootError(f"no edge within {_STEPS} steps of {start.zeta}")


def _next(equations: FixedPoint, points: list[_Point]) -> _Point:
    last, near = points[-1], points[-3:]
    if len(near) == 1:
        goal = last.u + (1 - last.y) * (1 + last.u) / last.y
    else:
        goal = float(lagrange(1.0, [point.y for point in near], [np.array(point.u) for point in near]))
    far = _STRIDE * abs(1 + last.u)
    step = float(np.clip(goal - last.u, -far, far))
    for _ in range(_CORRECTIONS):
        try:
            return _correct(equations, points, last.u + step)
        except NoRootError:
            step = step / 3
    raise NoRootError(f"the real solution was lost near {last.x}")


def _correct(equations: FixedPoint, points: list[_Point], u: float) -> _Point:
    """Return the point of the curve at u, by Newton's method from the polynomial through those near."""
    last = points[-1]
    guess = np.real(hermite(u, *_table(points)))
    x, delta = float(guess[0]), guess[1:] / u
    inverse, before = _inverse(equations, last.stability, last.squares), np.inf
    for _ in range(_CORRECTIONS):
        solved = equations.solve(delta, -x)
        step = inverse @ np.append(delta - solved.traces(), equations.proportions @ delta - 1 / u)
        delta, x = delta - step[:-1], x - float(step[-1])
        size = np.abs(step).max() / (1 + np.abs(delta).max() + abs(x))
        if size <= _SMALL:  # of a step already taken: what is left is smaller by a further factor of a thousand
            return _point(equations, x, delta)
        if not size < before:
            break
        inverse, before = _inverse(equations, equations.stability(delta, solved), solved.squares()), size
    raise NoRootError(f"no point of the curve at u = {u}")


def _inverse(equations: FixedPoint, stability: Floats, squares: Floats) -> Floats:
    """Return the inverse of the derivative of the equations and of u in (δ, x), (k + 1, k + 1).

    Raises:
        NoRootError: it is singular.
    """
    try:
        inverse: Floats = np.linalg.inv(_bordered(equations, stability, squares)).astype(np.float64)
    except np.linalg.LinAlgError as error:
        raise NoRootError("the real solution branches") from error
    return inverse


def _bordered(equations: FixedPoint, stability: Floats, squares: Floats) -> Floats:
    k = len(squares)
    matrix = np.zeros((k + 1, k + 1))
    matrix[:k, :k] = np.eye(k) - stability
    matrix[:k, k] = -squares
    matrix[k, :k] = equations.proportions
    return matrix


def _point(equations: FixedPoint, x: float, delta: Floats) -> _Point:
    solved = equations.solve(delta, -x)
    stability, squares = equations.stability(delta, solved), solved.squares()
    tangent = _inverse(equations, stability, squares)[:, -1]
    u = 1 / float(equations.proportions @ delta)
    slope = np.append(-tangent[-1] / u**2, delta - tangent[:-1] / u)
    return _Point(u, x, delta, stability, squares, slope)


def _table(points: list[_Point]) -> tuple[Floats, Floats, Floats]:
    """Return u, values and slopes of the last points that are not so close as to spoil a polynomial."""
    kept = [points[-1]]
    for point in points[-2::-1]:
        if all(abs(point.u - other.u) > _APART * abs(1 + other.u) for other in kept) and len(kept) < _KEPT:
            kept.append(point)
    return np.array([p.u for p in kept]), np.array([p.value for p in kept]), np.array([p.slope for p in kept])


def hermite(u: complex, places: Floats, values: Floats, slopes: Floats) -> Numbers:
    """Return Hermite's polynomial through values (m, d) and slopes (m, d) at the places (m,), at u, (d,)."""
    total: Numbers = np.zeros(values.shape[1])
    for i, place in enumerate(places):
        others = np.delete(places, i)
        basis = np.prod((u - others) / (place - others)) ** 2
        lean = 2 * (1 / (place - others)).sum()
        total = total + basis * ((1 - lean * (u - place)) * values[i] + (u - place) * slopes[i])
    return total


def _edge(equations: FixedPoint, points: list[_Point]) -> Fold:
    """Go the last, smallest step by the polynomial."""
    last, before, table = points[-1], points[-2], _table(points)
    bend = -2 * (last.y - before.y) / (last.u - before.u)
    pivot = last.u - last.speed / bend
    delta = np.real(hermite(pivot, *table)[1:] / pivot)
    edge = last.x + last.speed * (pivot - last.u) / 2
    if abs(np.abs(np.linalg.eigvals(last.stability)).max() - 1) > 1e-3 or not bend:
        raise NoRootError(f"the turn at {edge} is no edge")
    outside = {p.x: p.delta for p in points if p.y > _CLEAR} | {edge: delta}
    path = tuple(Root(x, value, "outside", equations) for x, value in outside.items() if x > 0)
    return Fold(edge, delta, last.stability, *table, bend, pivot, path, outside)
