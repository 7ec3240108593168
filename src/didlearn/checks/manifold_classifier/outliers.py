"""Outside images told by their distance from the manifold, against scores that know no generator."""

from __future__ import annotations

import math

from didlearn.arrays import Floats, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.baselines import neighbour_error, subspace_of
from didlearn.checks.groups import pixel_variance
from didlearn.models.base import LatentModel
from didlearn.result.values import Estimate
from didlearn.statistics.complexity import local_variance
from didlearn.statistics.ranking import auroc

Scores = dict[str, Floats]
MANIFOLD = "manifold"


def scores_of(subject: Subject, images: Singles, error: Floats) -> Scores:
    """Return scores (n,) of images (n, C, H, W), larger for images held to be outside; ``error`` is the generator's."""
    assert isinstance(subject.model, LatentModel)
    dimension = math.prod(subject.model.latent_shape)
    found = {
        MANIFOLD: error,
        "subspace": subspace_of(subject, dimension).error(images.reshape(len(images), -1)),
        "neighbour": neighbour_error(subject, images, None),
    }
    looks = {} if subject.points else {"local_variance": local_variance(images), "contrast": pixel_variance(images)}
    return found | looks


def outlier_key(name: str, score: str) -> str:
    """Return the name of the estimate of how well a score tells an outside set."""
    return f"auroc_{name}" if score == MANIFOLD else f"auroc_{name}_{score}"


def outlier_estimates(inside: Scores, outside: dict[str, Scores], level: float) -> dict[str, Estimate]:
    """Return the area under the ROC curve of every score for each outside set."""
    return {
        outlier_key(name, score): auroc(inside[score], theirs[score], level)
        for name, theirs in outside.items()
        for score in inside
    }
