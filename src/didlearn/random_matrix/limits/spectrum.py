"""The limiting spectrum of the Gram matrix of a mixture: density, edges, spikes and alignments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.random_matrix.limits.branch import Branch
from didlearn.random_matrix.limits.edges import find_support
from didlearn.random_matrix.limits.expansion import Expansion, expand, gap_levels
from didlearn.random_matrix.limits.mixture import as_numbers, population
from didlearn.random_matrix.limits.spikes import find_spikes

_SCAN_CHEAP, _SCAN_DENSE = 300, 10


@dataclass(frozen=True)
class Spectrum:
    """The limit of the eigenvalues of G = Xᵀ X / p, n × n.

    Attributes:
        grid: (g,), where the functions are given.
        density: f, (g,): fraction of eigenvalues per unit of eigenvalue, without the mass at zero; infinite at zero
            where the support reaches it, for the density has a pole there.
        distribution: F, (g,): fraction of eigenvalues up to the grid point, the mass at zero included.
        mass_at_zero: fraction of eigenvalues that vanish: 1 − rank/n.
        support: (s, 2), the intervals that carry the density, ascending; an interval of mass about 1/n holds a single
            eigenvalue (a covariance with an outlying direction).
        masses: (s,), the fraction of eigenvalues in each interval.
        spikes: (i,), isolated eigenvalues due to the class means, descending.
        alignments: (i, k), ‖ûᵀ j_a‖² / n_a of each spike's eigenvector with the indicator j_a of each class, in [0, 1].
    """

    grid: Floats
    density: Floats
    distribution: Floats
    mass_at_zero: float
    support: Floats
    masses: Floats
    spikes: Floats
    alignments: Floats

    @property
    def edges(self) -> tuple[float, float]:
        """Return the least and the greatest point of the support."""
        return float(self.support[0, 0]), float(self.support[-1, 1])


def limiting_spectrum(
    means: ArrayLike,
    covariances: ArrayLike,
    proportions: ArrayLike,
    ratio: float,
    grid: ArrayLike | None = None,
    *,
    points: int = 200,
    precision: float = 1e-7,
    device: str = "cpu",
) -> Spectrum:
    """Return the limiting spectrum of G = Xᵀ X / p for X (p, n) of k classes, as p, n → ∞ with p/n = ratio.

    The density is the boundary value on the real axis, with no smoothing (see ``fixed_point``). Classes that share
    eigenvectors, and low rank plus a multiple of the identity, cost no p × p inverse (see ``structure``).

    Args:
        means: m_ℓ, (k, p). covariances: Σ_ℓ about their means, (k, p, p). proportions: n_ℓ / n, (k,).
        ratio: c = p / n.
        grid: eigenvalues where density and distribution are wanted; by default ``points`` over the support.
        points: how many, where no grid is given.
        precision: relative to the greatest density, of both functions where every point costs an inverse (see
            ``expansion``); elsewhere they are exact to rounding.
        device: of the dense products, ``"cpu"`` or ``"cuda"``.

    Raises:
        UsageError: the arguments are no mixture (see ``mixture.population``), or the grid is not finite numbers (g,).
    """
    mixture = population(means, covariances, proportions, ratio)
    wanted = None if grid is None else _checked(grid)
    branch = Branch(mixture, device)
    scale, resolution = mixture.scale, 0.25 / mixture.samples
    if branch.dense:
        support, expansions = expand(branch, _SCAN_DENSE, resolution, precision)
    else:
        support, expansions = find_support(branch, _SCAN_CHEAP, resolution), []
    levels = gap_levels(branch, support)
    spikes, alignments = find_spikes(branch, support)
    x = _over(support, points) if wanted is None else wanted / scale
    positive = x > 0
    density = np.where((x == 0) & (support[0, 0] == 0), np.inf, 0.0)
    distribution = np.where(x == 0, levels[0], 0.0)
    if positive.any():
        functions = _expanded(expansions, levels, x[positive]) if expansions else _solved(branch, x[positive])
        density[positive], distribution[positive] = functions
    return Spectrum(
        grid=x * scale if wanted is None else wanted,
        density=density / scale,
        distribution=distribution,
        mass_at_zero=float(levels[0]),
        support=support * scale,
        masses=np.diff(levels),
        spikes=spikes * scale,
        alignments=alignments,
    )


def _solved(branch: Branch, x: Floats) -> tuple[Floats, Floats]:
    """Solve at every point of the grid."""
    for one in np.unique(x)[::-1]:
        branch.at(float(one))
    roots = [branch.at(float(one)) for one in x]
    return np.array([branch.density(r) for r in roots]), np.array([branch.distribution(r) for r in roots])


def _expanded(expansions: list[Expansion], levels: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Read both functions off the series of each interval; between them they are zero and constant."""
    density = np.zeros(len(x))
    distribution = levels[np.searchsorted([part.high for part in expansions], x)]
    for part in expansions:
        inside = (x > part.low) & (x < part.high)
        density[inside], distribution[inside] = part.density(x[inside]), part.distribution(x[inside])
    return density, distribution


def _checked(grid: ArrayLike) -> Floats:
    array = as_numbers("grid", grid, 1)
    if not len(array):
        raise UsageError("the grid is empty; give eigenvalues (g,)")
    return array


def _over(support: Floats, points: int) -> Floats:
    """Return points in every interval, in proportion to the square root of its width, denser at its edges."""
    shares = np.sqrt(support[:, 1] - support[:, 0])
    counts = np.maximum(np.round(points * shares / shares.sum()).astype(int), 5)
    counts[np.argmax(counts)] = max(5, counts.max() + points - counts.sum())
    pieces = [
        a + (b - a) * (1 - np.cos(np.pi * (np.arange(m) + 0.5) / m)) / 2
        for (a, b), m in zip(support, counts, strict=True)
    ]
    return np.concatenate(pieces)
