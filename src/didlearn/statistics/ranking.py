"""How well a score tells two groups apart: the area under the ROC curve, and the curve."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_curve

from didlearn.arrays import Floats
from didlearn.result.values import Estimate
from didlearn.statistics.copying.placement import closer_than_heldout


def auroc(inside: Floats, outside: Floats, level: float = 0.95) -> Estimate:
    """Estimate P(inside < outside) + ½P(=): the area under the ROC curve of a score that is larger outside.

    ½ is no better than chance, and below ½ the score is misled. Mann–Whitney's statistic with DeLong's interval on
    the logit scale; scikit-learn has the area (``roc_auc_score``) and no error of it.

    Args:
        inside: (n,) scores of images of the kind the model was trained on. outside: (m,) scores of other images.
        level: nominal coverage.

    Raises:
        UsageError: a group holds fewer than two scores.
    """
    found = closer_than_heldout(inside, outside, level)
    return found.model_copy(update={"method": "Mann–Whitney, DeLong on the logit scale", "unit": "fraction"})


def roc(inside: Floats, outside: Floats) -> tuple[Floats, Floats]:
    """Return the false and the true positive rates, (t,) each, as the threshold falls; ties move together."""
    labels = np.repeat([0, 1], [len(inside), len(outside)])
    false, true, _ = roc_curve(labels, np.concatenate([inside, outside]), drop_intermediate=False)
    return false, true
