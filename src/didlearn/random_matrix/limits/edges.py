"""Where the limiting spectrum lives: its intervals, and the gaps between them.

A scan finds points inside and outside; between neighbours of different kind lies an edge, where Im δ vanishes like a
square root: the edge is where its square, seen from inside as a smooth function, reaches zero.
A component too narrow for the scan still betrays itself: the distribution function rises across a gap.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from didlearn.arrays import Floats
from didlearn.random_matrix.limits.branch import Branch

_SMALLEST = 1e-9


def _scan_points(branch: Branch, count: int) -> Floats:
    """Return points from the smallest possible eigenvalue to beyond the greatest, denser towards zero."""
    low = _SMALLEST * branch.highest
    linear = np.linspace(low, 1.01 * branch.highest, count)
    return np.unique(np.concatenate([linear, np.geomspace(low, 1.01 * branch.highest, count)]))[::-1]


def find_support(branch: Branch, count: int, resolution: float) -> Floats:
    """Return the intervals (s, 2) that hold the spectrum without its point mass at zero, ascending.

    Args:
        branch: the solution along the axis.
        count: points of the linear and of the geometric scan.
        resolution: components of less mass than this may be missed.
    """
    for x in _scan_points(branch, count):
        branch.at(float(x))
    return refine_support(branch, resolution)


def refine_support(branch: Branch, resolution: float) -> Floats:
    """Return the intervals that the points solved so far show."""
    _reveal(branch, resolution)
    xs = branch.solved()
    inside = [branch.at(x).kind == "bulk" for x in xs]
    edges = [_edge(branch, a, b) for a, b, i, j in zip(xs, xs[1:], inside, inside[1:], strict=False) if i != j]
    edges = [0.0, *edges] if inside[0] else edges
    return np.array(edges).reshape(-1, 2)


def _reveal(branch: Branch, resolution: float) -> None:
    """Halve every stretch between two points outside whose distribution functions differ."""
    xs = branch.solved()
    pending = list(pairwise(xs))
    while pending:
        a, b = pending.pop()
        left, right = branch.at(a), branch.at(b)
        empty = left.kind == right.kind == "outside" and b - a > 1e-12 * b
        if empty and branch.distribution(right) - branch.distribution(left) > resolution:
            pending += [(a, (a + b) / 2), ((a + b) / 2, b)]


def _edge(branch: Branch, a: float, b: float) -> float:
    """Return the edge between a and b, one inside and one outside: the one found there before, or a new one."""
    known = [edge for edge in branch.edges if a <= edge <= b]
    if not known:
        known = [_approach(branch, a, b)]
        branch.edges += known
    return known[0]


def _approach(branch: Branch, a: float, b: float) -> float:
    """Return the edge between a and b by points inside that draw ever nearer to it."""
    inside, outside = (a, b) if branch.at(a).kind == "bulk" else (b, a)
    close = 1e-7 if branch.dense else 1e-9  # the last change overstates the error, which falls by 1000 at each step
    heights, places, estimate = [_height(branch, inside)], [inside], np.nan
    for _ in range(60):
        between = min(inside, outside) < estimate < max(inside, outside)
        x = inside + 0.9 * (estimate - inside) if between else (inside + outside) / 2
        if abs(x - inside) <= 1e-9 * abs(inside):
            break
        if branch.at(x).kind == "outside":
            outside = x
        else:
            inside, last = x, estimate
            kept = [(h, place) for h, place in zip(heights, places, strict=True) if h != _height(branch, x)][-2:]
            heights, places = [*(h for h, _ in kept), _height(branch, x)], [*(place for _, place in kept), x]
            estimate = _at_zero(heights, places)
            if abs(estimate - last) <= close * abs(last) or abs(outside - inside) <= 1e-12 * abs(outside):
                break
    estimate = estimate if np.isfinite(estimate) else inside
    return float(np.clip(estimate, min(inside, outside), max(inside, outside)))


def _at_zero(heights: list[float], places: list[float]) -> float:
    """Return where the polynomial x(height) through the points says that the height vanishes."""
    h = np.array(heights)
    shares = [np.prod(np.delete(h, i) / (np.delete(h, i) - h[i])) for i in range(len(h))]
    return float(np.dot(shares, places))


def _height(branch: Branch, x: float) -> float:
    delta = branch.at(x).delta
    return float(np.abs(np.imag(delta) / (1 + delta)).max()) ** 2
