"""The estimates and tables of the gaussianity check."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.feature_groups import OWN
from didlearn.checks.gaussianity.classes import KINDS, PENALTIES, SHOWN, ClassStudy
from didlearn.checks.gaussianity.tests import Study
from didlearn.checks.quadratic_forms import ROTATIONS, SLOPE, variance_ratio
from didlearn.random_matrix import MomentResult, Placement
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Estimate, Table, exactly
from didlearn.statistics.intervals import proportion

_F_MATRIX = "F-matrix against Gaussian ones"


def study_estimates(study: Study, level: float) -> dict[str, Estimate]:
    """Return a group's numbers; those of held-out images end in ``_heldout``."""
    gram, pivotal, rows = study.gram, study.pivotal, len(study.group.features)
    found = {
        "gram_pvalue": exactly(gram.p_value, level, study.tested, f"W₁ of the spectrum {ROTATIONS}"),
        "gram_effect": _effect(gram.statistics["wasserstein"], study.tested, level),
        "gram_edge": _shift(gram.scalars["edge"][0], gram.scalars["edge"][1:], study.tested, level, ROTATIONS),
        "whitened_pvalue": exactly(pivotal.p_value, level, rows, f"W₁ of the eigenvalues, {_F_MATRIX}"),
        "whitened_effect": _effect(pivotal.spectrum, rows, level),
        "whitened_edge": _shift(pivotal.eigenvalues[:, -1].mean(), pivotal.null_largest, rows, level, _F_MATRIX),
        "whitened_dimension": exactly(pivotal.dimension, level, rows, "compared by the F-matrix", "dimensions"),
        "quadratic_slope": exactly(study.curve.plain_slope, level, rows, SLOPE),
        "quadratic_slope_whitened": exactly(study.curve.whitened_slope, level, rows, SLOPE),
        "limit_distance": exactly(study.distance, level, study.tested, "greatest distance from the limiting law"),
        "exact_repeats": exactly(study.group.repeats, level, rows, "features equal to an earlier image's", "images"),
    }
    for name in (name for name in ("radius", "leverage") if name in gram.scalars):
        found[f"{name}_ratio"] = variance_ratio(gram.scalars[name], study.tested, level)
        found[f"{name}_pvalue"] = exactly(gram.statistics[name].p_value, level, study.tested, f"variance {ROTATIONS}")
    if study.matched is not None:
        found["whitened_edge_matched"] = _shift(
            study.matched.eigenvalues[:, -1].mean(), study.matched.null_largest, study.matched_rows, level, _F_MATRIX
        )
    if study.classes is not None:
        found |= _class_estimates(study, study.classes, level)
    return found if study.group.name == OWN else {f"{name}_heldout": estimate for name, estimate in found.items()}


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


def _class_estimates(study: Study, classes: ClassStudy, level: float) -> dict[str, Estimate]:
    statistics, n = study.gram.statistics, study.tested
    angle = statistics["angle_1"]
    found = {
        "class_alignment": exactly(angle.value, level, n, "cosine of the least principal angle", "cosine"),
        "class_alignment_pvalue": exactly(angle.p_value, level, n, ROTATIONS),
        "clustering": exactly(statistics["clustering"].value, level, n, "spectral clustering, NMI with the classes"),
        "clustering_pvalue": exactly(statistics["clustering"].p_value, level, n, ROTATIONS),
    }
    for kind in KINDS:
        key, name = (kind, SHOWN[1]), {"LS-SVM": "ls_svm", "ridge": "ridge"}[kind]
        null = classes.null[key]
        low, high = np.quantile(null, [(1 - level) / 2, (1 + level) / 2])
        wrong = round(classes.error[key] * classes.test_rows)
        mean = float(null.mean())
        found |= {
            f"{name}_error": proportion(wrong, classes.test_rows, level),
            f"{name}_error_surrogate": Estimate(
                value=mean, low=min(float(low), mean), high=max(float(high), mean), level=level,
                n=classes.test_rows, method="mean and range over rotations", unit="fraction",
            ),
            f"{name}_pvalue": exactly(classes.placement[key].p_value, level, classes.test_rows, ROTATIONS),
        }  # fmt: skip
    return found


def study_tables(studies: dict[str, list[Study]]) -> Parts:
    """Show all numbers of all embeddings: the tests, their statistics one by one, and the classifiers."""
    tables = [_tests(studies), _statistics(studies)]
    if any(study.classes is not None for found in studies.values() for study in found):
        tables.append(_classifiers(studies))
    return Parts(tables=tuple(tables))


def _tests(studies: dict[str, list[Study]]) -> Table:
    def row(embedding: str, study: Study) -> tuple[Cell, ...]:
        gram, pivotal, group = study.gram, study.pivotal, study.group
        return (
            embedding, group.name, len(group.features), group.features.shape[1], len(group.names), study.tested,
            gram.p_value, gram.statistics["wasserstein"].ratio, gram.statistics["edge"].shift,
            study.distance, float(study.distance_null.mean()),
            pivotal.p_value, pivotal.dimension, pivotal.spectrum.ratio, pivotal.statistics["largest"].shift,
            _over_null(gram, "radius"), _over_null(gram, "leverage"), group.repeats,
        )  # fmt: skip

    return Table(
        name="tests",
        title="Are the features a Gaussian mixture?",
        columns=(
            "features", "images", "rows", "dimensions", "classes", "n in G", "Gram p", "Gram effect", "Gram edge",
            "from the limit", "replicates from the limit", "whitened p", "dimensions whitened", "whitened effect",
            "whitened edge", "Var ‖x‖²", "Var Mahalanobis", "exact repeats",
        ),
        rows=tuple(row(name, study) for name, found in studies.items() for study in found),
        caption="Effect: the spectrum's W₁ distance over what the null gives. Edge: largest eigenvalue against the "
        "null's, about the class means. From the limit: sup distance of the distribution functions. Var: over "
        "rows, in units of the replicates'.",
        csv="gaussianity.csv",
    )  # fmt: skip


def _over_null(gram: MomentResult, name: str) -> float | None:
    return float(gram.scalars[name][0] / gram.scalars[name][1:].mean()) if name in gram.scalars else None


def _statistics(studies: dict[str, list[Study]]) -> Table:
    rows = tuple(
        (embedding, study.group.name, _words(name), one.value, one.null_mean, one.ratio, one.p_value)
        for embedding, found in studies.items()
        for study in found
        for name, one in study.gram.statistics.items()
    )
    return Table(
        name="statistics",
        title="The Gram matrix among its rotations",
        columns=("features", "images", "distance from the replicates' mean", "value", "null mean", "effect", "p"),
        rows=rows,
        caption="Every p-value is exact for a Gaussian mixture with any means and covariances; they are not "
        "independent of one another.",
    )


def _words(name: str) -> str:
    kind, _, rank = name.partition("_")
    return {
        "wasserstein": "spectrum, W₁",
        "kolmogorov": "spectrum, Kolmogorov",
        "edge": "largest eigenvalue about the class means",
        "radius": "variance of ‖x‖² about the class means",
        "leverage": "variance of Mahalanobis ‖x‖²",
        "eigenvalue": f"eigenvalue {rank}",
        "angle": f"cosine {rank} of the leading eigenvectors with the classes",
        "clustering": "spectral clustering (NMI)",
    }[kind]


def _classifiers(studies: dict[str, list[Study]]) -> Table:
    rows = tuple(
        row
        for embedding, found in studies.items()
        for study in found
        if study.classes is not None
        for row in _classifier_rows(embedding, study.group.name, study.classes)
    )
    return Table(
        name="classifiers",
        title="Linear classifiers on features, on rotations, and in the limit",
        columns=("features", "images", "classifier", "penalty", "error", "of rotations", "predicted", "p"),
        rows=rows,
        caption="Trained on the rows of the Gram matrix. Penalty: in units of the mean variance. Predicted: the limit "
        "for a Gaussian mixture with the same moments.",
    )


def _classifier_rows(embedding: str, name: str, classes: ClassStudy) -> list[tuple[Cell, ...]]:
    return [
        (
            embedding, name, *key, classes.error[key], float(classes.null[key].mean()),
            classes.predicted[key].error, classes.placement[key].p_value,
        )
        for key in ((kind, penalty) for kind in KINDS for penalty in PENALTIES)
    ]  # fmt: skip
