"""Whether an encoder's code says anything about the image: a test of independence, and a linear probe."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats, Ints
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import proportion


def hsic_pvalue(
    images: Floats, codes: Floats, rng: np.random.Generator, permutations: int = 499
) -> tuple[float, float]:
    """Return HSIC of images (n, d) and codes (n, k), and the p-value of their independence.

    HSIC = tr(K H L H) / n² (Gretton et al. 2005), with Gaussian kernels as wide as the median distance. Whatever the
    laws, the p-value (1 + #{permuted codes with at least this HSIC}) / (1 + permutations) is valid.
    """
    K, L = _centred(_gaussian(images)), _gaussian(codes)
    n = len(images)
    observed = float((K * L).sum()) / n**2
    beyond = 0
    for _ in range(permutations):
        order = rng.permutation(n)
        beyond += float((K * L[np.ix_(order, order)]).sum()) / n**2 >= observed
    return observed, (1 + beyond) / (1 + permutations)


def _gaussian(points: Floats) -> Floats:
    squares = np.square(points).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * points @ points.T, 0)
    median = np.median(distances[np.triu_indices(len(points), 1)])
    return np.exp(-distances / max(median, 1e-300))


def _centred(K: Floats) -> Floats:
    return K - K.mean(axis=0) - K.mean(axis=1)[:, None] + K.mean()


def probe_accuracy(codes: Floats, labels: Ints, tested: int, level: float = 0.95) -> Estimate:
    """Estimate how often multinomial logistic regression names the class of an image from its code alone.

    Args:
        codes: (n, k). labels: (n,). tested: how many of them, from the end, it is not fitted on.
        level: of the interval.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = len(codes) - tested
    mean, deviation = codes[:fitted].mean(axis=0), codes[:fitted].std(axis=0) + 1e-12
    scaled = (codes - mean) / deviation
    probe = LogisticRegression(max_iter=1000).fit(scaled[:fitted], labels[:fitted])
    right = int((probe.predict(scaled[fitted:]) == labels[fitted:]).sum())
    return proportion(right, tested, level)
