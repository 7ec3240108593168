"""The battery on the page: spectra, eigenvectors, whitened eigenvalues, quadratic forms, and all numbers in tables."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.gaussianity.battery import Battery
from didlearn.checks.gaussianity.classifiers import ClassifierErrors
from didlearn.checks.quadratic_forms import concentration_figure
from didlearn.random_matrix import MomentResult
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Figure, Mark, Role, Series, Table

_POINTS = 250
_LEAST = 1e-3  # of the mean eigenvalue: smaller ones are drawn there


def battery_figures(batteries: list[Battery], embedding: str = "", number: int = 0) -> Parts:
    """Draw everything of one embedding; further embeddings are numbered and named in the titles."""
    suffix, of = (f"_{number}", f" ({embedding})") if number else ("", "")
    curves = [(battery.group.name, battery.group.role, battery.curve) for battery in batteries]
    figures = (
        *(_spectrum(battery, suffix, of) for battery in batteries),
        *(_vectors(battery, suffix, of) for battery in batteries if _has_two_vectors(battery)),
        _whitened(batteries, suffix, of),
        concentration_figure(curves, suffix, of),
    )
    return Parts(figures=figures)


def _spectrum(battery: Battery, suffix: str, of: str) -> Figure:
    edges, n = battery.bins, battery.tested
    middle = np.sqrt(edges[1:] * edges[:-1])

    def step(label: str, values: Floats, role: Role) -> Series:
        counts = np.histogram(values, edges)[0] / n
        return Series(label=label, x=tuple(edges), y=(*counts, 0.0), style="step", role=role)

    replicates = battery.gram.replicate_eigenvalues
    mean = np.mean([np.histogram(row, edges)[0] for row in replicates], axis=0) / n
    name = battery.group.name
    return Figure(
        name=f"spectrum_{battery.group.role}{suffix}",
        title=f"Eigenvalues of the Gram matrix, {name}{of}",
        x_label="eigenvalue of G",
        y_label="share of the n eigenvalues",
        series=(
            step(name, battery.gram.eigenvalues, battery.group.role),
            Series(label="Gaussian, same moments", x=tuple(edges), y=(*mean, 0.0), style="step", role="other"),
            Series(label="limit", x=tuple(middle), y=tuple(np.diff(battery.limit.distribution)), role="theory"),
        ),
        marks=(Mark(label="edge", x=battery.limit.edges[1]),) if edges[0] < battery.limit.edges[1] < edges[-1] else (),
        x_log=True,
        caption="Logarithmic bins. Where two moments describe the features, the three agree. Eigenvalues beyond the "
        "edge are isolated: the mean, or classes.",
    )


def _has_two_vectors(battery: Battery) -> bool:
    """Features of one dimension (images of one pixel) have one."""
    return min(battery.gram.vectors.shape[1], battery.gram.replicate_vectors.shape[1]) > 1


def _vectors(battery: Battery, suffix: str, of: str) -> Figure:
    def points(label: str, vectors: Floats, role: Role) -> Series:
        signed = vectors[:, :2] * np.where(vectors[:, :2].sum(0) < 0, -1, 1)
        kept = signed[:: max(1, len(signed) // _POINTS)]
        return Series(label=label, x=tuple(kept[:, 0]), y=tuple(kept[:, 1]), style="points", role=role)

    name = battery.group.name
    return Figure(
        name=f"vectors_{battery.group.role}{suffix}",
        title=f"The two leading eigenvectors, {name}{of}",
        x_label="first eigenvector",
        y_label="second eigenvector",
        series=(
            points(name, battery.gram.vectors, battery.group.role),
            points("Gaussian, same moments", battery.gram.replicate_vectors, "other"),
        ),
        caption="One point an image, and one draw of Gaussian features with the same class moments. Clouds of another "
        "shape are what two moments do not tell.",
    )


def _whitened(batteries: list[Battery], suffix: str, of: str) -> Figure:
    series = []
    for battery in batteries:
        x, y = battery.pivotal.null_eigenvalues.mean(0), battery.pivotal.eigenvalues.mean(0)
        x, y = np.maximum(x, _LEAST), np.clip(y, _LEAST, 1e3 * x)
        series.append(Series(label=battery.group.name, x=tuple(x), y=tuple(y), style="points", role=battery.group.role))
    ends = np.array([min(min(s.x) for s in series), max(max(s.x) for s in series)])
    line = Series(label="Gaussian", x=tuple(ends), y=tuple(ends), role="theory")
    return Figure(
        name=f"whitened{suffix}",
        title=f"Whitened eigenvalues, one part against the other{of}",
        x_label="eigenvalue expected of Gaussian features",
        y_label="eigenvalue found",
        series=(*series, line),
        x_log=True,
        y_log=True,
        caption="Eigenvalues of the one part's covariance in units of the other's. They do not depend on the "
        "covariance, so Gaussian features lie on the line whatever it is.",
    )


def battery_tables(batteries: dict[str, list[Battery]]) -> Parts:
    """Show all numbers of all embeddings: the tests, their statistics one by one, and the classifiers."""
    tables = [_tests(batteries), _statistics(batteries)]
    if any(battery.classes is not None for members in batteries.values() for battery in members):
        tables.append(_classifiers(batteries))
    return Parts(tables=tuple(tables))


def _tests(batteries: dict[str, list[Battery]]) -> Table:
    def row(embedding: str, battery: Battery) -> tuple[Cell, ...]:
        gram, pivotal, group = battery.gram, battery.pivotal, battery.group
        return (
            embedding, group.name, len(group.features), group.features.shape[1], len(group.names), battery.tested,
            gram.p_value, gram.statistics["wasserstein"].ratio, gram.statistics["edge"].shift,
            battery.distance, float(battery.distance_null.mean()),
            pivotal.p_value, pivotal.dimension, pivotal.spectrum.ratio, pivotal.statistics["largest"].shift,
            _over_null(gram, "radius"), _over_null(gram, "leverage"), group.repeats,
        )  # fmt: skip

    return Table(
        name="tests",
        title="Are the features a Gaussian mixture?",
        columns=(
            "features", "images", "rows", "dimensions", "classes", "n in G",
            "spectrum p", "spectrum effect", "spectrum edge", "from the limit", "replicates from the limit",
            "whitened p", "dimensions whitened", "whitened effect", "whitened edge", "Var ‖x‖²",
            "Var Mahalanobis", "exact repeats",
        ),
        rows=tuple(row(name, battery) for name, members in batteries.items() for battery in members),
        caption="Effect: the spectrum's W₁ distance over what the null gives. Edge: largest eigenvalue against the "
        "null's, about the class means. From the limit: sup distance of the distribution functions. Var: over "
        "rows, in units of the replicates'.",
        csv="gaussianity.csv",
    )  # fmt: skip


def _over_null(gram: MomentResult, name: str) -> float | None:
    return float(gram.scalars[name][0] / gram.scalars[name][1:].mean()) if name in gram.scalars else None


def _statistics(batteries: dict[str, list[Battery]]) -> Table:
    rows = tuple(
        (embedding, battery.group.name, _words(name), one.value, one.null_mean, one.ratio, one.p_value)
        for embedding, members in batteries.items()
        for battery in members
        for name, one in battery.gram.statistics.items()
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


def _classifiers(batteries: dict[str, list[Battery]]) -> Table:
    rows = tuple(
        row
        for embedding, members in batteries.items()
        for battery in members
        if battery.classes is not None
        for row in _classifier_rows(embedding, battery.group.name, battery.classes)
    )
    return Table(
        name="classifiers",
        title="Linear classifiers on features, on rotations, and in the limit",
        columns=("features", "images", "classifier", "penalty", "error", "of rotations", "predicted", "p"),
        rows=rows,
        caption="Trained on the rows of the Gram matrix. Penalty: in units of the mean variance. Of rotations: the "
        "mean error on a Gaussian mixture with the same two moments. Predicted: the limit for such a mixture, known "
        "for least squares alone.",
    )


def _classifier_rows(embedding: str, name: str, classes: ClassifierErrors) -> list[tuple[Cell, ...]]:
    return [
        (
            embedding, name, *key, classes.error[key], float(classes.null[key].mean()),
            classes.predicted[key].error if key in classes.predicted else None, classes.placement[key].p_value,
        )
        for key in classes.error
    ]  # fmt: skip
