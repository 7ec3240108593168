"""Density and distribution function over an interval of the support, from few solved points.

Where each point costs inverses of p × p matrices, the grid is not solved point by point. Between its edges the density
is sin θ times a smooth even function of θ, with x running from edge to edge like a cosine in log x (in x, where the
interval reaches down to zero). Its cosine series converges geometrically; the number of points triples until the last
third of the coefficients is below the precision wanted of the greatest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from didlearn.arrays import Floats
from didlearn.random_matrix.limits.branch import Branch, Outside, lagrange
from didlearn.random_matrix.limits.edges import find_support, refine_support
from didlearn.random_matrix.limits.fixed_point import NoRootError, Root
from didlearn.random_matrix.limits.fold import Fold, find_fold
from didlearn.random_matrix.limits.structure import Numbers

_FIRST, _MOST, _FEW, _ROUNDS = 16, 433, 49, 4
_ROUGH = 1e-5
_ALONE, _NEAREST = 2, 6
_REFLECTIONS = ((-1, 0.0), (-1, 2 * np.pi), (1, 0.0))


@dataclass(frozen=True)
class Expansion:
    """One interval [low, high] of the support.

    Attributes:
        measure: cosine coefficients of f · dx/dθ. shape: of f / sin θ; None where the interval touches zero.
        below: fraction of eigenvalues left of the interval. mass: fraction within it.
    """

    low: float
    high: float
    measure: Floats
    shape: Floats | None
    below: float
    mass: float

    def density(self, x: Floats) -> Floats:
        """Return f(x), x inside."""
        theta = self._angle(x)
        if self.shape is None:
            return np.maximum(_cosines(self.measure, theta) / _stretch(self.low, self.high, theta), 0)
        return np.maximum(np.sin(theta) * _cosines(self.shape, theta), 0)

    def distribution(self, x: Floats) -> Floats:
        """Return F(x), x inside: the series integrated, scaled to the mass known from the gaps."""
        theta = self._angle(x)
        orders = np.arange(1, len(self.measure))
        part = self.measure[0] * theta + np.sin(np.outer(theta, orders)) @ (self.measure[1:] / orders)
        return self.below + part * self.mass / (self.measure[0] * np.pi)

    def _angle(self, x: Floats) -> Floats:
        a, b, x = (self.low, self.high, x) if self.low <= 0 else (np.log(self.low), np.log(self.high), np.log(x))
        return np.arccos(np.clip((a + b - 2 * x) / (b - a), -1, 1))


def expand(branch: Branch, scan: int, resolution: float, precision: float) -> tuple[Floats, list[Expansion]]:
    """Return the support (s, 2) and the expansion of each interval.

    The outer edges are sought as folds and taken for one interval. A point that turns out to lie outside shows a gap;
    the support is then found by a scan. Without a lower fold, where the spectrum reaches zero, it is scanned at once.
    """
    folds = _outer_folds(branch)
    support = np.array([[fold.edge for fold in folds]]) if folds else find_support(branch, scan, resolution)
    for round_ in range(_ROUNDS):
        strict = round_ < _ROUNDS - 1
        series = [_series(_Path(branch, low, high, folds), strict, precision) for low, high in support]
        if all(one is not None for one in series):
            break
        support = refine_support(branch, resolution) if round_ else find_support(branch, scan, resolution)
    limits = gap_levels(branch, support)
    parts = []
    for (low, high), one, below, above in zip(support, series, limits, limits[1:], strict=False):
        assert one is not None
        parts.append(Expansion(low, high, *one, below, above - below))
    return support, parts


def gap_levels(branch: Branch, support: Floats) -> Floats:
    """Return the distribution function below, between and beyond the intervals, (s + 1,)."""
    zero = branch.distribution(branch.at(support[0, 0] / 2)) if support[0, 0] else branch.mass_at_zero()
    middles = (support[:-1, 1] + support[1:, 0]) / 2
    return np.array([zero, *(branch.distribution(branch.at(float(x))) for x in middles), 1.0])


def _series(path: _Path, strict: bool, precision: float) -> tuple[Floats, Floats | None] | None:
    """Return the coefficients of both series, or None where a point lies outside the spectrum."""
    count, low, high = _FIRST, path.low, path.high
    while True:
        theta = np.round((np.arange(count) + 0.5) * np.pi / count, 13)  # rounded, so that points recur exactly
        for t, x in zip(theta[::-1], _point(low, high, theta)[::-1], strict=True):
            if t not in path.roots and path.visit(t, float(x), keep=count <= _FIRST).kind == "outside" and strict:
                return None
        roots = [path.roots[t] for t in theta]
        f = np.array([path.branch.density(root) for root in roots])
        measure = _coefficients(f * _stretch(low, high, theta))
        shape = _coefficients(f / np.sin(theta)) if low > 0 else None
        if count * 3 > (_MOST if precision < _ROUGH else _FEW) or all(
            _settled(one, precision) for one in (measure, shape) if one is not None
        ):
            return measure, shape
        count *= 3


class _Path:
    """The solution in θ: analytic, δ(−θ) and δ(2π − θ) being the conjugates of δ(θ), so that points foretell others."""

    def __init__(self, branch: Branch, low: float, high: float, folds: tuple[Fold, ...]) -> None:
        self.branch, self.low, self.high = branch, low, high
        self.roots: dict[float, Root] = {}
        self._folds = {
            theta: fold for theta, fold in zip((0.0, np.pi), folds, strict=False) if fold.edge in (low, high)
        }
        self._delta: dict[float, Numbers] = {theta: fold.delta for theta, fold in self._folds.items()}
        self._stability: dict[float, Numbers] = {theta: fold.stability for theta, fold in self._folds.items()}

    def visit(self, theta: float, x: float, keep: bool) -> Root:
        """Solve at one more point; with ``keep`` its K is worked out to help later ones."""
        delta, stability = _foretell(theta, self._delta), _foretell(theta, self._stability)
        if self._folds and len(self.roots) < _ALONE:
            edge = min(self._folds, key=lambda end: abs(end - theta))
            delta = self._folds[edge].inside(x)
        if delta is not None and stability is not None:
            root = self.branch.near(x, delta, stability)
        else:
            root = self.branch.at(x)
        self.roots[theta], self._delta[theta] = root, root.delta
        if keep and root.kind == "bulk":
            self._stability[theta] = self.branch.equations.stability(root.delta, root.solved, single=True)
        return root


def _outer_folds(branch: Branch) -> tuple[Fold, ...]:
    """Return the folds at the least and the greatest point of the support; none where one is not found so."""
    try:
        folds = find_fold(branch.equations.positive(1.0)), find_fold(branch.at(1.01 * branch.highest))
    except NoRootError:
        return ()
    if not 0 < folds[0].edge < folds[1].edge:
        return ()
    for root in (*folds[0].path, *folds[1].path):
        branch.learn(root)
    branch.edges += [fold.edge for fold in folds]
    branch.outer = Outside(folds[0].edge, folds[0].outside), Outside(folds[1].edge, folds[1].outside)
    return folds


def _foretell(theta: float, known: dict[float, Numbers]) -> Numbers | None:
    """Return the polynomial through the nearest points and their mirror images, or None from fewer than two."""
    if len(known) < 2:
        return None
    images = {round(sign * t + turn, 12): (sign, t) for sign, turn in _REFLECTIONS for t in known}
    near = sorted(images, key=lambda place: abs(place - theta))[: min(_NEAREST, 1 + len(known))]
    values = [known[t] if sign > 0 else np.conj(known[t]) for sign, t in (images[place] for place in near)]
    return lagrange(theta, near, values)


def _point(low: float, high: float, theta: Floats) -> Floats:
    if low <= 0:
        return high * (1 - np.cos(theta)) / 2
    middle, half = np.log(low * high) / 2, np.log(high / low) / 2
    points: Floats = np.exp(middle - half * np.cos(theta))
    return points


def _stretch(low: float, high: float, theta: Floats) -> Floats:
    """Return dx/dθ."""
    if low <= 0:
        return high * np.sin(theta) / 2
    return _point(low, high, theta) * np.log(high / low) / 2 * np.sin(theta)


def _coefficients(values: Floats) -> Floats:
    found: Floats = scipy.fft.dct(values, type=2) / len(values)
    found[0] /= 2
    return found


def _settled(coefficients: Floats, precision: float) -> bool:
    size = np.abs(coefficients)
    return bool(size[-(len(size) // 3) :].max() <= precision * size.max())


def _cosines(coefficients: Floats, theta: Floats) -> Floats:
    return np.cos(np.outer(theta, np.arange(len(coefficients)))) @ coefficients
