"""Classifiers that are trained by a likelihood: softmax, and logistic regression of each class against all others.

Both minimise, with a free intercept,

    (1/p) Σ_i loss(w; x_i) + (λ/2) ‖w‖²,    λ = penalty × s,  s the mean variance of a feature,

so that a penalty is in the units of the least-squares classifiers' λ. With two classes they are one and the same.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from didlearn.arrays import Floats, Ints

LIKELIHOODS = ("softmax", "logistic")
LIKELIHOOD_PENALTIES = (0.01, 1.0)  # of the mean variance: nearly free, and as the least-squares ones are shown
_ITERATIONS = 1000


def called_by_likelihood(classifier: str, penalty: float, scale: float, x: Floats, known: Ints, new: Floats) -> Ints:
    """Train on x (n, p) with classes ``known`` (n,) and return the classes that the new rows (m, p) are called.

    Args:
        classifier: one of ``LIKELIHOODS``. penalty: λ / s. scale: s > 0. x, known, new: the rows.
    """
    # On (x − x̄) / √(p s) the objective times p is Σ loss + (penalty / 2) ‖v‖², and the search is well scaled.
    centre, unit = x.mean(0), np.sqrt(x.shape[1] * scale)
    one = LogisticRegression(C=1 / penalty, max_iter=_ITERATIONS)
    model = one if classifier == "softmax" else OneVsRestClassifier(one)
    called: Ints = model.fit((x - centre) / unit, known).predict((new - centre) / unit)
    return called
