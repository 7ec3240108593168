"""How well distance tells classes and outside images, on the page."""

from __future__ import annotations

from didlearn.arrays import Floats
from didlearn.checks.manifold_classifier.measure import FITTED_AT_MOST
from didlearn.checks.manifold_classifier.outliers import MANIFOLD, outlier_key
from didlearn.result.values import Cell, Estimate, Figure, Series, Table
from didlearn.statistics.ranking import roc

_CLASSIFIERS = {
    "manifold_accuracy": "nearest class manifold",
    "neighbour_accuracy": "nearest training image",
    "linear_accuracy": "logistic regression on pixels",
    "subspace_accuracy": "nearest subspace of the latent's dimension, one a class",
    "mean_accuracy": "nearest class mean",
    "chance": "chance",
}
SCORES = {
    MANIFOLD: "distance from the generator's manifold",
    "subspace": "distance from the best subspace of its dimension",
    "neighbour": "distance from the nearest training image",
    "local_variance": "variance within patches",
    "contrast": "variance of all pixels",
}


def accuracy_table(found: dict[str, Estimate]) -> Table:
    """Show every classifier's accuracy."""
    images = next(iter(found.values())).n
    return Table(
        name="accuracy",
        title="Held-out images, classified",
        columns=("classifier", "accuracy", "at least", "at most"),
        rows=tuple((_CLASSIFIERS[name], *_ends(e)) for name, e in found.items()),
        caption=f"{images} held-out images; the classifiers below the first are fitted to "
        f"at most {FITTED_AT_MOST} training images.",
    )


def outlier_table(found: dict[str, Estimate], outside: list[str]) -> Table:
    """Show how well every score tells each outside set."""
    return Table(
        name="outliers",
        title="Telling outside images",
        columns=("outside", "score", "AUROC", "at least", "at most"),
        rows=tuple(
            (name, words, *_ends(found[outlier_key(name, score)]))
            for name in outside
            for score, words in SCORES.items()
            if outlier_key(name, score) in found  # points have no patches
        ),
        caption="½ is chance. Below ½ the score takes outside images for more real than real ones.",
    )


def _ends(found: Estimate) -> tuple[Cell, ...]:
    return found.value, found.low, found.high


def roc_figure(inside: Floats, outside: dict[str, Floats]) -> Figure:
    """Draw the ROC curve of the manifold distance for each outside set."""
    curves = {name: roc(inside, scores) for name, scores in outside.items()}
    series = [
        Series(label=name, x=tuple(false), y=tuple(true), style="line", role="outside")
        for name, (false, true) in curves.items()
    ]
    chance = Series(label="chance", x=(0.0, 1.0), y=(0.0, 1.0), role="theory")
    return Figure(
        name="roc",
        title="Telling outside images by their distance",
        x_label="share of held-out images called outside",
        y_label="share of outside images called outside",
        series=(*series, chance),
        caption="Below the diagonal, outside images lie nearer to the manifold than real ones do.",
    )
