"""What the distances tell, in words: there is no agreed level for it, so nothing is judged."""

from __future__ import annotations

from didlearn.checks.manifold_classifier.outliers import MANIFOLD, outlier_key
from didlearn.checks.manifold_classifier.page import SCORES
from didlearn.result.values import Estimate
from didlearn.result.words import number, percent


def say_classes(found: dict[str, Estimate]) -> str:
    """Set the accuracy of the nearest class manifold beside that of simple classifiers."""
    return (
        f"The nearest class manifold is right for {percent(found['manifold_accuracy'].point)} of held-out images; the "
        f"nearest training image for {percent(found['neighbour_accuracy'].point)}, a linear classifier for "
        f"{percent(found['linear_accuracy'].point)}, guessing for {percent(found['chance'].point)}."
    )


def say_outside(found: dict[str, Estimate], name: str) -> str:
    """Set how well the distance tells an outside set beside the best score that knows no generator."""
    names = {score: outlier_key(name, score) for score in SCORES}
    values = {score: found[key].point for score, key in names.items() if key in found}
    own = f"AUROC {number(values.pop(MANIFOLD))}"
    # An open upper end may lie as high as an area can: that is not worse than chance.
    misled = found[outlier_key(name, MANIFOLD)].high_or(1.0) < 0.5
    best = max(values, key=lambda score: values[score])
    return (
        f"Distance from the manifold tells {name} with {f'worse than chance ({own})' if misled else own}; "
        f"the {SCORES[best]} alone with {number(values[best])}."
    )
