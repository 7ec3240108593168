"""The isolated eigenvalues that the class means push out of the bulk, and where their eigenvectors point.

    H(ζ) = D(−ζ)^{-1} + Mᵀ Q(−ζ) M,    D = diag(π_ℓ / (c (1 + δ_ℓ)))

(Jᵀ R J = (p/z) H^{-1} in the deterministic limit.) Outside the bulk H is real and symmetric and its zeros are the
spikes. δ and Q are Stieltjes transforms of measures on the spectrum, so H has no pole within a gap, and ζH(ζ), minus
the inverse of such a transform, increases with ζ: each of its eigenvalues rises through zero once at most. Counting the
negative ones at the two ends of a gap says how many spikes lie between.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

from didlearn.arrays import Floats
from didlearn.random_matrix.limits.branch import Branch
from didlearn.random_matrix.limits.fixed_point import NoRootError, Root

_HAIR = 1e-7


def _class_matrix(branch: Branch, root: Root) -> Floats:
    """Return H(ζ), (k, k)."""
    return np.diag(1 / branch.equations.weights(root.delta)) + root.solved.means()


def _class_matrix_slope(branch: Branch, root: Root) -> Floats:
    """Return dH/dζ, (k, k), with the change of δ taken in."""
    equations = branch.equations
    slope = equations.slope(root)
    inner = -equations.weights(root.delta) / (1 + root.delta) * slope
    change = np.diag(equations.ratio / equations.proportions * slope) - root.solved.means_through(inner, 1.0)
    return -np.real(change)


def find_spikes(branch: Branch, support: Floats) -> tuple[Floats, Floats]:
    """Return positions (s,), descending, and alignments (s, k) with the classes.

    The alignment with class a is Σ over its samples of the squared projection on its indicator, ‖û'j_a‖²/n_a.
    """
    found: list[float] = []
    for left, right in _gaps(branch, support):
        found += _zeros(branch, left, right)
    positions = np.array(sorted(found, reverse=True))
    alignments = [row for group in _groups(positions) for row in _alignments(branch, group)]
    return positions, np.array(alignments).reshape(len(positions), len(branch.equations.proportions))


def _gaps(branch: Branch, support: Floats) -> list[tuple[float, float]]:
    """Return the stretches beside the intervals, a hair away from the edges where δ is not known at them."""
    equations = branch.equations
    signal = np.sqrt(_greatest_mean(branch) / equations.ratio)
    ends = [1e-6 * support[0, 0], *support.flatten(), 1.01 * (np.sqrt(support[-1, 1]) + signal) ** 2 + support[-1, 1]]
    hairs = [0.0 if branch.knows(float(end)) else _HAIR for end in ends]
    pairs = [
        (float(a + left * (b - a)), float(b - right * (b - a)))
        for a, b, left, right in zip(ends[::2], ends[1::2], hairs[::2], hairs[1::2], strict=True)
    ]
    return [(a, b) for a, b in pairs if b - a > 1e-6 * b]


def _greatest_mean(branch: Branch) -> float:
    """Return the greatest eigenvalue of M diag(π) Mᵀ."""
    blocks, pi = branch.equations.blocks, branch.equations.proportions
    dense = blocks.dense_means.cpu().numpy()
    gram = dense.T @ dense + blocks.tail_means.T @ blocks.tail_means
    return float(np.linalg.eigvalsh(np.sqrt(pi)[:, None] * gram * np.sqrt(pi)).max())


def _spectrum_at(branch: Branch, zeta: float) -> Floats:
    values: Floats = np.linalg.eigvalsh(_class_matrix(branch, branch.at(zeta))).astype(np.float64)
    return values


def _zeros(branch: Branch, left: float, right: float) -> list[float]:
    try:
        known = {end: _spectrum_at(branch, end) for end in (left, right)}
    except NoRootError:
        return []
    crossings = range(int((known[right] < 0).sum()), int((known[left] < 0).sum()))
    return [zero for index in crossings for zero in _zeros_of(branch, known, index)]


def _zeros_of(branch: Branch, known: dict[float, Floats], index: int) -> list[float]:
    """Return where one eigenvalue of H rises through zero, and remember every H worked out on the way."""

    def value(x: float) -> float:
        if x not in known:
            known[x] = _spectrum_at(branch, x)
        return float(known[x][index])

    def at_exponent(t: float) -> float:
        return value(float(np.exp(t)))

    places = sorted(known)
    precision = 1e-9 if branch.dense else 1e-11
    return [
        float(np.exp(brentq(at_exponent, np.log(a), np.log(b), xtol=precision, rtol=precision)))
        for a, b in pairwise(places)
        if known[a][index] < 0 <= known[b][index]
    ]


def _groups(positions: Floats) -> list[Floats]:
    """Return positions that agree to rounding together: their eigenvectors are one subspace."""
    breaks = np.flatnonzero(-np.diff(positions) > 1e-8 * positions[1:]) + 1
    return [group for group in np.split(positions, breaks) if len(group)]


def _alignments(branch: Branch, group: Floats) -> Floats:
    """Return (p/ζ) W (Wᵀ H′ W)^{-1} Wᵀ / n_a on the diagonal, one row per eigenvector of the subspace."""
    zeta = float(group.mean())
    root = branch.at(zeta)
    values, vectors = np.linalg.eigh(_class_matrix(branch, root))
    null = vectors[:, np.argsort(np.abs(values))[: len(group)]]
    weight, turn = np.linalg.eigh(null.T @ _class_matrix_slope(branch, root) @ null)
    equations = branch.equations
    shares = (null @ turn) ** 2 / weight * equations.ratio / zeta
    return (shares / equations.proportions[:, None]).T
