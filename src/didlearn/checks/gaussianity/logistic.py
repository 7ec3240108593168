"""Classifiers that are trained by a likelihood: softmax, and logistic regression of each class against all others.

Both minimise, with a free intercept,

    (1/p) Σ_i loss(w; x_i) + (λ/2) ‖w‖²,    λ = penalty × s,  s the mean variance of a feature,

so that a penalty is in the units of the least-squares classifiers' λ. With two classes they are one and the same.
"""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.linear_model import LogisticRegression

from didlearn.arrays import Floats, Ints

LIKELIHOODS = ("softmax", "logistic")
LIKELIHOOD_PENALTIES = (0.01, 1.0)  # of the mean variance: nearly free, and as the least-squares ones are shown
_ITERATIONS = 1000
_TWO = 2  # classes, of which each is against all others as the other is


def called_by_likelihood(classifier: str, penalty: float, scale: float, x: Floats, known: Ints, new: Floats) -> Ints:
    """Train on x (n, p) with classes ``known`` (n,) and return the classes that the new rows (m, p) are called.

    Args:
        classifier: one of ``LIKELIHOODS``. penalty: λ / s. scale: s > 0. x, known, new: the rows.
    """
    # On (x − x̄) / √(p s) the objective times p is Σ loss + (penalty / 2) ‖v‖², and the search is well scaled.
    centre, unit = x.mean(0), np.sqrt(x.shape[1] * scale)
    train, asked = (x - centre) / unit, (new - centre) / unit
    one, classes = LogisticRegression(C=1 / penalty, max_iter=_ITERATIONS), np.unique(known)
    with config_context(assume_finite=True, skip_parameter_validation=True):  # looked at before: no need to in each fit
        if classifier == "softmax" or len(classes) == _TWO:
            called: Ints = one.fit(train, known).predict(asked)
            return called
        scores = np.stack([one.fit(train, known == c).decision_function(asked) for c in classes])
    best: Ints = classes[len(classes) - 1 - scores[::-1].argmax(0)]  # of equal ones the last
    return best
