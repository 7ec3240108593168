"""The Inception Score (Salimans et al. 2016): how sure a classifier is of each image, and how many classes it names.

IS = exp( 1/n Σ_i KL(p_i ‖ p̄) ),   p_i = softmax of image i's logits,   p̄ = 1/n Σ_i p_i

It is between 1 and the number of classes. Over all images at once: the ten splits of the first code lower it, for p̄ is
then of a tenth of the images, and their spread is no error. It looks at no real image, and says nothing of variety
within a class.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_softmax

from didlearn.arrays import ArrayOrTensor, Floats
from didlearn.errors import DataError
from didlearn.statistics.fidelity.features import as_features
from didlearn.statistics.fidelity.influence import LogInfluence

_ROUNDING = 1e-5  # of a sum of single precision probabilities


def inception_score(scores: ArrayOrTensor, *, probabilities: bool = False) -> float:
    """Return the Inception Score of a classifier's answers.

    Args:
        scores: (n, K) logits of n images. probabilities: whether they are probabilities instead.

    Raises:
        DataError: scores that cannot be used, of a single class, or probabilities that are none.
    """
    return inception_influence(scores, probabilities=probabilities).value


def inception_influence(scores: ArrayOrTensor, *, probabilities: bool = False) -> LogInfluence:
    """Return the Inception Score with each image's influence on its logarithm, KL(p_i ‖ p̄) less the mean.

    Raises:
        DataError: as ``inception_score``.
    """
    rows = as_features("scores", scores)
    if rows.shape[1] < 2:
        raise DataError(f"an Inception Score takes two classes at least, and the scores have {rows.shape[1]}")
    p, log_p = _given(rows) if probabilities else _of_logits(rows)
    mean = p.mean(axis=0)
    log_mean = np.log(np.where(mean > 0, mean, 1))
    divergence = (p * (log_p - log_mean)).sum(axis=1)
    log = max(0.0, float(divergence.mean()))
    return LogInfluence(math.exp(log), log, divergence - divergence.mean())


def are_probabilities(scores: Floats) -> bool:
    """Tell whether rows (n, K) are probabilities: none below zero, and all sums 1 but for rounding."""
    return bool((scores >= 0).all() and np.abs(scores.sum(axis=1) - 1).max() <= _ROUNDING)


def _of_logits(rows: Floats) -> tuple[Floats, Floats]:
    log_p: Floats = log_softmax(rows, axis=1)
    return np.exp(log_p), log_p


def _given(rows: Floats) -> tuple[Floats, Floats]:
    if not are_probabilities(rows):
        raise DataError("probabilities must be 0 or more and sum to 1 in each row; leave probabilities=True for logits")
    return rows, np.log(np.where(rows > 0, rows, 1))  # 0 log 0 is 0
