"""Outside images told by their distance from the manifold, against scores that know no generator."""

from __future__ import annotations

import math

import numpy as np

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.baselines import neighbour_error, subspace_of
from didlearn.models.base import LatentModel
from didlearn.result.parts import Parts
from didlearn.result.values import Cell, Estimate, Table
from didlearn.result.words import number
from didlearn.statistics.complexity import local_variance
from didlearn.statistics.ranking import auroc

_SCORES = {
    "manifold": "distance from the generator's manifold",
    "subspace": "distance from the best subspace of its dimension",
    "neighbour": "distance from the nearest training image",
    "local_variance": "variance within patches",
    "contrast": "variance of all pixels",
}


def scores(subject: Subject, images: Array, error: Array) -> dict[str, Array]:
    """Return scores (n,) of images (n, C, H, W), larger for images held to be outside; ``error`` is the generator's."""
    assert isinstance(subject.model, LatentModel)
    flat = images.reshape(len(images), -1)
    return {
        "manifold": error,
        "subspace": subspace_of(subject, math.prod(subject.model.latent_shape)).error(flat),
        "neighbour": neighbour_error(subject, images, None),
        "local_variance": local_variance(images),
        "contrast": flat.astype(np.float64).var(axis=1),
    }


def outlier_parts(inside: dict[str, Array], outside: dict[str, dict[str, Array]], level: float) -> tuple[Parts, str]:
    """Return the area under the ROC curve of every score for each outside set, and a sentence."""
    estimates: dict[str, Estimate] = {}
    rows: list[tuple[Cell, ...]] = []
    said = []
    for name, theirs in outside.items():
        found = {score: auroc(inside[score], theirs[score], level) for score in inside}
        estimates |= {f"auroc_{name}": found["manifold"]}
        estimates |= {f"auroc_{name}_{score}": e for score, e in found.items() if score != "manifold"}
        rows += [(name, _SCORES[score], e.value, e.low, e.high) for score, e in found.items()]
        best = max((score for score in found if score != "manifold"), key=lambda s: found[s].value or 0.0)
        own = found["manifold"].value or 0.0
        below = "worse than chance" if (found["manifold"].high or 1.0) < 0.5 else f"AUROC {number(own)}"
        said.append(
            f"Distance from the manifold tells {name} with {below}"
            f"{f' (AUROC {number(own)})' if below.startswith('worse') else ''}; "
            f"the {_SCORES[best]} alone with {number(found[best].value or 0.0)}."
        )
    table = Table(
        name="outliers",
        title="Telling outside images",
        columns=("outside", "score", "AUROC", "at least", "at most"),
        rows=tuple(rows),
        caption="½ is chance. Below ½ the score takes outside images for more real than real ones.",
    )
    return Parts(estimates, tables=(table,)), " ".join(said)
