"""The error that ridge regression and least-squares support vector machines will make on a Gaussian mixture.

Trained on X (p, n) with targets y = J T (T: k × o, one row per class), minimising ‖Xᵀ w − y‖² / p + λ ‖w‖²,

    w = (1/p) (X Xᵀ / p + λ I)^{-1} X J T.

As p, n → ∞ the scores wᵀx of a new x of class a are Gaussian. With Q°, δ, A = Mᵀ Q° M and D at z = λ as in
``equivalent``, N = (D^{-1} + A)^{-1} and E = D^{-1} N,

    E[scores | a]   = row a of (I − E) T
    Cov[scores | a] = Tᵀ N Mᵀ Q° (Σ_a + Σ_j κ_j Σ_j) Q° M N T + Tᵀ Eᵀ diag(κ) E T
    κ_j = D_j τ_j / (1 + δ_j),    τ = (I − K)^{-1} (1/p) tr Σ_· Q° Σ_a Q°.

A free intercept is a constant feature of infinite scale: N becomes N − N 1 1ᵀ N / (1ᵀ N 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from didlearn.arrays import Floats
from didlearn.errors import UsageError
from didlearn.random_matrix.limits.equivalent import positive_roots
from didlearn.random_matrix.limits.fixed_point import FixedPoint, Root
from didlearn.random_matrix.limits.mixture import population

_DRAWS = 200_000


@dataclass(frozen=True)
class ClassifierPrediction:
    """What a linear least-squares classifier will do on new samples.

    Attributes:
        score_mean: (k, o), of the scores of a new sample of each class.
        score_covariance: (k, o, o).
        confusion: (k, k), the probability that class a (row) is called b.
        error: the fraction called wrong, classes weighted by their proportions.
    """

    score_mean: Floats
    score_covariance: Floats
    confusion: Floats
    error: float


def predict_classifier(
    means: ArrayLike,
    covariances: ArrayLike,
    proportions: ArrayLike,
    ratio: float,
    *,
    ridge: float = 1.0,
    intercept: bool = True,
) -> ClassifierPrediction:
    """Return the asymptotic scores and error of one-against-all least squares with targets ±1 (the LS-SVM).

    With two classes the sign of one score decides, with more the greatest score (its probabilities are integrated by
    a fixed Monte Carlo of 200 000 draws in k dimensions: an error of about 0.001).

    Args:
        means: (k, p), k ≥ 2. covariances: (k, p, p). proportions: (k,). ratio: p / n of the training set.
        ridge: λ > 0; scikit-learn's ``RidgeClassifier(alpha)`` has λ = alpha / p, an LS-SVM with γ has λ = 1 / (γ p)
            in its usual scaling.
        intercept: whether an unpenalised intercept is fitted (an LS-SVM has one).

    Raises:
        UsageError: no mixture, one class only, or λ not positive.
    """
    return predict_classifiers(means, covariances, proportions, ratio, [ridge])[ridge, intercept]


def predict_classifiers(
    means: ArrayLike, covariances: ArrayLike, proportions: ArrayLike, ratio: float, ridges: Sequence[float]
) -> dict[tuple[float, bool], ClassifierPrediction]:
    """Return the predictions by λ and whether an intercept is fitted; what the λ share is worked out once.

    Args and errors: see ``predict_classifier``.
    """
    mixture = population(means, covariances, proportions, ratio)
    if len(mixture.proportions) < 2:
        raise UsageError("a classifier needs two classes, and the mixture has one; give the classes apart")
    for ridge in ridges:
        if not (np.isfinite(ridge) and ridge > 0):
            raise UsageError(f"ridge is {ridge!r}; give a positive number")
    k = len(mixture.proportions)
    draws = None if k == 2 else np.random.default_rng(0).normal(size=(_DRAWS, k))  # the same of every λ
    return {
        (ridge, intercept): _predict(equations, root, mixture.proportions, intercept, draws)
        for ridge, (equations, root) in zip(sorted(ridges, reverse=True), positive_roots(mixture, ridges), strict=True)
        for intercept in (True, False)
    }


def _predict(
    equations: FixedPoint, root: Root, proportions: Floats, intercept: bool, draws: Floats | None
) -> ClassifierPrediction:
    k = len(proportions)
    targets = np.array([[1.0], [-1.0]]) if k == 2 else 2 * np.eye(k) - 1
    delta, gram = np.real(root.delta), np.real(root.solved.means())
    d = np.real(equations.weights(delta))
    n_matrix = np.linalg.inv(np.diag(1 / d) + gram)
    if intercept:
        n_matrix = n_matrix - np.outer(n_matrix.sum(1), n_matrix.sum(0)) / n_matrix.sum()
    e_matrix = n_matrix / d[:, None]
    tau = np.linalg.solve(np.eye(k) - np.real(equations.stability(delta, root.solved)), np.real(root.solved.pairs()))
    covariance = []
    for a in range(k):
        kappa = d * tau[:, a] / (1 + delta)
        core = np.real(root.solved.means_through(np.eye(k)[a] + kappa))
        inner = n_matrix.T @ core @ n_matrix + (e_matrix.T * kappa) @ e_matrix
        covariance.append(targets.T @ inner @ targets)
    return _decide(targets - e_matrix @ targets, np.array(covariance), proportions, draws)


def _decide(mean: Floats, covariance: Floats, proportions: Floats, draws: Floats | None) -> ClassifierPrediction:
    if draws is None:
        first = ndtr(mean[:, 0] / np.sqrt(covariance[:, 0, 0]))
        confusion = np.stack([first, 1 - first], axis=1)
    else:
        confusion = np.stack([_argmax(draws, m, c) for m, c in zip(mean, covariance, strict=True)])
    error = 1 - float(proportions @ np.diag(confusion))
    return ClassifierPrediction(mean, covariance, confusion, error)


def _argmax(draws: Floats, mean: Floats, covariance: Floats) -> Floats:
    """Return how often each coordinate of a Gaussian is the greatest, over standard normal ``draws`` (n, k)."""
    values, vectors = np.linalg.eigh(covariance)
    scores = (draws * np.sqrt(np.maximum(values, 0))) @ vectors.T
    scores += mean
    return np.bincount(scores.argmax(1), minlength=len(mean)) / len(draws)
