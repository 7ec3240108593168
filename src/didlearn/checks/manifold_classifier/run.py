"""Invert held-out and outside images, and score them."""

from __future__ import annotations

from didlearn.audit.subject import Subject
from didlearn.checks.groups import heldout_images, outside_pixels, pixels
from didlearn.checks.inverting import Effort, find
from didlearn.checks.manifold_classifier.check import FEWEST, ManifoldClassifier, has_classes
from didlearn.checks.manifold_classifier.measure import baselines, classified
from didlearn.checks.manifold_classifier.outliers import outlier_parts, scores
from didlearn.checks.manifold_classifier.page import roc_figure
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult


@one_thread()
def run_manifold_classifier(check: ManifoldClassifier, subject: Subject) -> CheckResult:
    """Invert, and score; all randomness is the search's own."""
    assert subject.train is not None
    fault = find_fault(subject.draw(FEWEST), subject.train.shape, FEWEST)
    if fault is not None:
        return fault.result(check.name)
    effort = Effort(check.draws, check.starts, check.rounds)
    heldout = heldout_images(subject, check.images)
    inside = pixels(heldout)
    found = find(subject, "held-out", inside, effort)
    parts, said = Parts(notes=subject.left_out), []
    if has_classes(subject) and found.class_error is not None and heldout.labels is not None:
        classes, sentence = classified(found.class_error, heldout.labels, baselines(subject, inside), check.level)
        parts += classes
        said.append(sentence)
    outside = outside_pixels(subject, check.images)
    if outside:
        errors = {name: find(subject, name, images, effort).error for name, images in outside.items()}
        others = {name: scores(subject, images, errors[name]) for name, images in outside.items()}
        outliers, sentence = outlier_parts(scores(subject, inside, found.error), others, check.level)
        parts += outliers + Parts(figures=(roc_figure(found.error, errors),))
        said.append(sentence)
    reason = "there is no agreed level for it; the baselines beside it are what it is read against"
    return CheckResult(check=check.name, verdict="measured", reason=reason, answer=" ".join(said), **parts.fields())
