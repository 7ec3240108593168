"""Where the limiting spectrum lives: its intervals, and the gaps between them.

A scan finds points inside and outside; between neighbours of different kind lies an edge, where the density vanishes
like a square root from inside and 1 − ρ(K) does so from outside. Both squared are linear, so one root finder serves.
A component too narrow for the scan still betrays itself: the distribution function rises across a gap.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from didlearn.random_matrix.branch import Branch
from didlearn.random_matrix.fixed_point import Root
from didlearn.random_matrix.mixture import Array

SMALLEST = 1e-9


def scan_points(branch: Branch, count: int) -> Array:
    """Return points from the smallest possible eigenvalue to beyond the greatest, denser towards zero."""
    low = SMALLEST * branch.highest
    linear = np.linspace(low, 1.01 * branch.highest, count)
    return np.unique(np.concatenate([linear, np.geomspace(low, 1.01 * branch.highest, count)]))[::-1]


def find_support(branch: Branch, count: int, resolution: float) -> Array:
    """Return the intervals (s, 2) that hold the spectrum without its point mass at zero, ascending.

    Args:
        branch: the solution along the axis.
        count: points of the linear and of the geometric scan.
        resolution: components of less mass than this may be missed.
    """
    for x in scan_points(branch, count):
        branch.at(float(x))
    _reveal(branch, resolution)
    xs = branch.solved()
    inside = [branch.at(x).kind == "bulk" for x in xs]
    edges = [_edge(branch, a, b) for a, b, i, j in zip(xs, xs[1:], inside, inside[1:], strict=False) if i != j]
    edges = [0.0, *edges] if inside[0] else edges
    return np.array(edges).reshape(-1, 2)


def _reveal(branch: Branch, resolution: float) -> None:
    """Halve every stretch between two points outside whose distribution functions differ."""
    xs = branch.solved()
    pending = list(zip(xs, xs[1:], strict=False))
    while pending:
        a, b = pending.pop()
        left, right = branch.at(a), branch.at(b)
        if left.kind == right.kind == "outside" and b - a > 1e-12 * b:
            if branch.distribution(right) - branch.distribution(left) > resolution:
                middle = (a + b) / 2
                branch.at(middle)
                pending += [(a, middle), (middle, b)]


def _edge(branch: Branch, a: float, b: float) -> float:
    def signed(x: float) -> float:
        return _signed(branch, branch.at(float(x)))

    return float(brentq(signed, a, b, xtol=1e-13 * b, rtol=1e-9))


def _signed(branch: Branch, root: Root) -> float:
    if root.kind == "bulk":
        return float(np.abs(np.imag(root.delta) / (1 + root.delta)).max()) ** 2
    return -(max(1 - branch.equations.radius(root), 0.0) ** 2)
