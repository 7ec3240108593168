"""Spectra, eigenvectors, whitened eigenvalues and quadratic forms on the page."""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Floats
from didlearn.checks.gaussianity.tests import Study
from didlearn.checks.quadratic_forms import Role, concentration_figure
from didlearn.result.parts import Parts
from didlearn.result.values import Figure, Mark, Series

_POINTS = 250
_LEAST = 1e-3  # of the mean eigenvalue: smaller ones are drawn there


def study_figures(studies: list[Study], embedding: str = "", number: int = 0) -> Parts:
    """Draw everything of one embedding; further embeddings are numbered and named in the titles."""
    suffix, of = (f"_{number}", f" ({embedding})") if number else ("", "")
    figures = [_spectrum(study, suffix, of) for study in studies] + [_vectors(study, suffix, of) for study in studies]
    figures += [
        _whitened(studies, suffix, of),
        concentration_figure([(s.group.name, s.group.role, s.curve) for s in studies], suffix, of),
    ]
    return Parts(figures=tuple(figures))


def _spectrum(study: Study, suffix: str, of: str) -> Figure:
    edges, n = study.bins, study.tested
    middle = np.sqrt(edges[1:] * edges[:-1])

    def step(label: str, values: Floats, role: Role) -> Series:
        counts = np.histogram(values, edges)[0] / n
        return Series(label=label, x=tuple(edges), y=(*counts, 0.0), style="step", role=role)

    replicates = study.gram.replicate_eigenvalues
    mean = np.mean([np.histogram(row, edges)[0] for row in replicates], axis=0) / n
    name = study.group.name
    return Figure(
        name=f"spectrum_{study.group.role}{suffix}",
        title=f"Eigenvalues of the Gram matrix, {name}{of}",
        x_label="eigenvalue of G",
        y_label="share of the n eigenvalues",
        series=(
            step(name, study.gram.eigenvalues, study.group.role),
            Series(label="Gaussian, same moments", x=tuple(edges), y=(*mean, 0.0), style="step", role="other"),
            Series(label="limit", x=tuple(middle), y=tuple(np.diff(study.limit.distribution)), role="theory"),
        ),
        marks=(Mark(label="edge", x=study.limit.edges[1]),) if edges[0] < study.limit.edges[1] < edges[-1] else (),
        x_log=True,
        caption="Logarithmic bins. Where two moments describe the features, the three agree. Eigenvalues beyond the "
        "edge are isolated: the mean, or classes.",
    )


def _vectors(study: Study, suffix: str, of: str) -> Figure:
    def points(label: str, vectors: Floats, role: Role) -> Series:
        signed = vectors[:, :2] * np.where(vectors[:, :2].sum(0) < 0, -1, 1)
        kept = signed[:: max(1, len(signed) // _POINTS)]
        return Series(label=label, x=tuple(kept[:, 0]), y=tuple(kept[:, 1]), style="points", role=role)

    name = study.group.name
    return Figure(
        name=f"vectors_{study.group.role}{suffix}",
        title=f"The two leading eigenvectors, {name}{of}",
        x_label="first eigenvector",
        y_label="second eigenvector",
        series=(
            points(name, study.gram.vectors, study.group.role),
            points("Gaussian, same moments", study.gram.replicate_vectors, "other"),
        ),
        caption="One point an image, and one draw of Gaussian features with the same class moments. Clouds of another "
        "shape are what two moments do not tell.",
    )


def _whitened(studies: list[Study], suffix: str, of: str) -> Figure:
    series = []
    for study in studies:
        x, y = study.pivotal.null_eigenvalues.mean(0), study.pivotal.eigenvalues.mean(0)
        x, y = np.maximum(x, _LEAST), np.clip(y, _LEAST, 1e3 * x)
        series.append(Series(label=study.group.name, x=tuple(x), y=tuple(y), style="points", role=study.group.role))
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
