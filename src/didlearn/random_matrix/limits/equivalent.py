"""The deterministic equivalent of the resolvent R(z) = (G + zI)^{-1} of the Gram matrix G = Xᵀ X / p.

With J (n, k) the indicators of the classes, C_ℓ = Σ_ℓ + m_ℓ m_ℓᵀ and Q̃ = ((1/c) Σ_j π_j C_j / (1 + δ_j) + zI)^{-1},

    R̃(z) = (1/z) [ diag(1 / (1 + δ)) − (1/p) J Ω Jᵀ ],     Ω_ab = m_aᵀ Q̃ m_b / ((1 + δ_a)(1 + δ_b)).

Seddik et al. (theorem 3.3 of the submission to ICLR 2020, the only text that we have read) print another Ω and another
sign, which no simulation agrees with. The same thing with covariances about their means (Q° from Σ_ℓ, A = Mᵀ Q° M,
D = diag(n_ℓ / (p (1 + δ_ℓ)))) reads, better conditioned,

    Jᵀ R̃(z) J = (p/z) (D^{-1} + A)^{-1}.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.random_matrix.limits.fixed_point import FixedPoint, Root
from didlearn.random_matrix.limits.mixture import Population, population
from didlearn.random_matrix.limits.structure import common_blocks


@dataclass(frozen=True)
class Equivalent:
    """The deterministic equivalent at one z > 0.

    Attributes:
        delta: δ_ℓ, (k,).
        omega: Ω, (k, k).
        classes: Jᵀ R̃ J / n, (k, k), from the centred form.
        mean_trace: (1/n) tr R̃.
    """

    delta: Floats
    omega: Floats
    classes: Floats
    mean_trace: float


def resolvent_equivalent(
    means: ArrayLike, covariances: ArrayLike, proportions: ArrayLike, ratio: float, z: float
) -> Equivalent:
    """Return the deterministic equivalent of (Xᵀ X / p + zI)^{-1}.

    Args:
        means: (k, p). covariances: about the means, (k, p, p). proportions: (k,). ratio: p / n.
        z: > 0.

    Raises:
        UsageError: the arguments are no mixture, or z is not positive.
    """
    mixture = population(means, covariances, proportions, ratio)
    if not (np.isfinite(z) and z > 0):
        raise UsageError(f"z is {z!r}; the resolvent is taken at a positive z")
    equations, root = positive_root(mixture, z)
    pi = mixture.proportions
    delta, mean_gram = np.real(root.delta), np.real(root.solved.means())
    d = np.real(equations.weights(delta))
    inner = np.linalg.inv(np.eye(len(pi)) + mean_gram * d)  # MᵀQ̃M = (I + AD)^{-1} A
    omega = inner @ mean_gram / np.outer(1 + delta, 1 + delta)
    classes = ratio / z * np.linalg.inv(np.diag(1 / d) + mean_gram)
    return Equivalent(delta, omega, classes, float(pi @ (1 / (1 + delta))) / z)


def positive_root(mixture: Population, z: float) -> tuple[FixedPoint, Root]:
    """Return the equations in units of the mean variance, and their solution at z > 0 (in the population's units)."""
    return next(positive_roots(mixture, [z]))


def positive_roots(mixture: Population, zs: Sequence[float]) -> Iterator[tuple[FixedPoint, Root]]:
    """Yield the equations and their solution at each z, from the greatest down."""
    scale = mixture.scale
    blocks = common_blocks(mixture.means / np.sqrt(scale), mixture.covariances / scale)
    equations = FixedPoint(blocks, mixture.proportions, mixture.ratio)
    last, root = max(1.0, *(z / scale for z in zs)), None
    for z in sorted(zs, reverse=True):
        for step in np.geomspace(last, z / scale, 6 if root is None else 3)[0 if root is None else 1 :]:
            root = equations.positive(float(step), None if root is None else root.delta)
        assert root is not None
        last = z / scale
        yield equations, root
