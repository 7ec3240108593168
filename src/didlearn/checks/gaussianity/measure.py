"""The estimates of the gaussianity check."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.feature_groups import OWN
from didlearn.checks.gaussianity.battery import Battery
from didlearn.checks.gaussianity.classifiers import CLASSIFIERS, SHOWN, ClassifierErrors
from didlearn.checks.quadratic_forms import ROTATIONS, SLOPE, variance_ratio
from didlearn.random_matrix import Placement
from didlearn.result.values import Estimate, exactly
from didlearn.statistics.intervals import proportion

_F_MATRIX = "F-matrix against Gaussian ones"
_KEYS = {"LS-SVM": "ls_svm", "ridge": "ridge", "softmax": "softmax", "logistic": "logistic"}


def battery_estimates(battery: Battery, level: float) -> dict[str, Estimate]:
    """Return a group's numbers; those of held-out images end in ``_heldout``."""
    estimates = _gram(battery, level) | _whitened(battery, level) | _of_rows(battery, level) | _norms(battery, level)
    if battery.matched is not None:
        estimates["whitened_edge_matched"] = _shift(
            battery.matched.eigenvalues[:, -1].mean(),
            battery.matched.null_largest,
            int(battery.matched.sizes.sum()),
            level,
            _F_MATRIX,
        )
    if battery.classes is not None:
        estimates |= _known_classes(battery, level) | _classified(battery.classes, level)
    return estimates if battery.group.name == OWN else {f"{name}_heldout": one for name, one in estimates.items()}


def _gram(battery: Battery, level: float) -> dict[str, Estimate]:
    gram, n = battery.gram, battery.tested
    edge = gram.scalars["edge"]
    return {
        "gram_pvalue": exactly(gram.p_value, level, n, f"W₁ of the spectrum {ROTATIONS}"),
        "gram_effect": _effect(gram.statistics["wasserstein"], n, level),
        "gram_edge": _shift(edge[0], edge[1:], n, level, ROTATIONS),
    }


def _whitened(battery: Battery, level: float) -> dict[str, Estimate]:
    pivotal, n = battery.pivotal, len(battery.group.features)
    return {
        "whitened_pvalue": exactly(pivotal.p_value, level, n, f"W₁ of the eigenvalues, {_F_MATRIX}"),
        "whitened_effect": _effect(pivotal.spectrum, n, level),
        "whitened_edge": _shift(pivotal.eigenvalues[:, -1].mean(), pivotal.null_largest, n, level, _F_MATRIX),
        "whitened_dimension": exactly(pivotal.dimension, level, n, "compared by the F-matrix", "dimensions"),
    }


def _of_rows(battery: Battery, level: float) -> dict[str, Estimate]:
    n = len(battery.group.features)
    return {
        "quadratic_slope": exactly(battery.curve.plain_slope, level, n, SLOPE),
        "quadratic_slope_whitened": exactly(battery.curve.whitened_slope, level, n, SLOPE),
        "limit_distance": exactly(battery.distance, level, battery.tested, "greatest distance from the limiting law"),
        "exact_repeats": exactly(battery.group.repeats, level, n, "features equal to an earlier image's", "images"),
    }


def _norms(battery: Battery, level: float) -> dict[str, Estimate]:
    """The variances of ‖x‖² about the class means and, where there are rows enough, of the whitened ‖x‖²."""
    gram, n = battery.gram, battery.tested
    estimates = {}
    for name in (name for name in ("radius", "leverage") if name in gram.scalars):
        estimates[f"{name}_ratio"] = variance_ratio(gram.scalars[name], n, level)
        estimates[f"{name}_pvalue"] = exactly(gram.statistics[name].p_value, level, n, f"variance {ROTATIONS}")
    return estimates


def _effect(placed: Placement, n: int, level: float) -> Estimate:
    return exactly(placed.ratio, level, n, "W₁ over that of the null", "ratio")


def _shift(value: float, null: Floats, n: int, level: float, against: str) -> Estimate:
    """Return value / mean − 1, and the range over replicates of the edge it is divided by."""
    low, high = np.quantile(null, [(1 - level) / 2, (1 + level) / 2])
    shift = float(value / null.mean() - 1)
    return Estimate(
        value=shift,
        low=min(shift, float(value / high - 1)),
        high=max(shift, float(value / low - 1)),
        level=level,
        n=n,
        method=f"largest eigenvalue {against}",
        unit="fraction",
    )


def _known_classes(battery: Battery, level: float) -> dict[str, Estimate]:
    """What the leading eigenvectors know of the classes."""
    gram, n = battery.gram, battery.tested
    cosine, agreement = float(gram.scalars["angle_1"][0]), float(gram.scalars["clustering"][0])
    return {
        "class_alignment": exactly(cosine, level, n, "cosine of the least principal angle", "cosine"),
        "class_alignment_pvalue": exactly(gram.statistics["angle_1"].p_value, level, n, ROTATIONS),
        "clustering": exactly(agreement, level, n, "spectral clustering, NMI with the classes"),
        "clustering_pvalue": exactly(gram.statistics["clustering"].p_value, level, n, ROTATIONS),
    }


def _classified(classes: ClassifierErrors, level: float) -> dict[str, Estimate]:
    n, estimates = classes.test_rows, dict[str, Estimate]()
    for classifier in CLASSIFIERS:
        setting, key = (classifier, SHOWN[1]), _KEYS[classifier]
        estimates |= {
            f"{key}_error": proportion(round(classes.error[setting] * n), n, level),
            f"{key}_error_surrogate": _range(classes.null[setting], n, level),
            f"{key}_pvalue": exactly(classes.placement[setting].p_value, level, n, ROTATIONS),
        }
    return estimates


def _range(null: Floats, n: int, level: float) -> Estimate:
    low, high = np.quantile(null, [(1 - level) / 2, (1 + level) / 2])
    mean = float(null.mean())
    return Estimate(
        value=mean,
        low=min(float(low), mean),
        high=max(float(high), mean),
        level=level,
        n=n,
        method="mean and range over rotations",
        unit="fraction",
    )
