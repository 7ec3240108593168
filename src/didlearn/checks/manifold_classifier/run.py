"""Invert held-out and outside images, and score them."""

from __future__ import annotations

from didlearn.arrays import Floats, Ints
from didlearn.audit.subject import Subject
from didlearn.checks.groups import choosing, heldout_images, outside_images, pixels
from didlearn.checks.image_classes import labelled_classes
from didlearn.checks.inverting import SearchEffort, find
from didlearn.checks.latents.encoding import between_levels, encoded, every_image_lies_on_it, inverts_itself
from didlearn.checks.latents.typical import PriorLaw
from didlearn.checks.manifold_classifier.check import FEWEST_CLASSIFIED, ManifoldClassifier, has_classes
from didlearn.checks.manifold_classifier.measure import accuracies, classifier_answers, sampled_classes
from didlearn.checks.manifold_classifier.outliers import MANIFOLD, Scores, outlier_estimates, scores_of
from didlearn.checks.manifold_classifier.page import accuracy_table, outlier_table, roc_figure
from didlearn.checks.manifold_classifier.verdict import say_classes, say_outside
from didlearn.images.base import Images
from didlearn.models.base import LatentModel
from didlearn.models.faults import find_fault
from didlearn.parallel import one_thread
from didlearn.result.parts import Parts
from didlearn.result.values import CheckResult
from didlearn.rng import Stream

_NO_WAY = "every image lies on its manifold, and it has no inverse: give it a method encode(x)"
_IN_PLACE = (
    "Every image lies on its manifold: in place of the distance stands how far the image's latent, by the generator's "
    "own inverse, is from what is typical of the prior."
)
_UNJUDGED = "there is no agreed level for it; the baselines beside it are what it is read against"


@one_thread()
def run_manifold_classifier(check: ManifoldClassifier, subject: Subject) -> CheckResult:
    """Invert, and score; all randomness is the search's own."""
    assert subject.train is not None
    fault = find_fault(subject.draw(FEWEST_CLASSIFIED), subject.train.shape, FEWEST_CLASSIFIED)
    if fault is not None:
        return fault.result(check.name)
    if every_image_lies_on_it(subject) and not inverts_itself(subject):
        return CheckResult(check=check.name, verdict="inconclusive", reason=_NO_WAY, answer=f"Open: {_NO_WAY}.")
    classes, about_classes = _classes(check, subject)
    outliers, about_outliers = _outliers(check, subject)
    parts, said = Parts(notes=subject.left_out) + classes + outliers, " ".join((*about_classes, *about_outliers))
    return CheckResult(check=check.name, verdict="measured", reason=_UNJUDGED, answer=said, **parts.fields())


def _classes(check: ManifoldClassifier, subject: Subject) -> tuple[Parts, list[str]]:
    if not has_classes(subject):
        return Parts(), []
    heldout = heldout_images(subject, check.images)
    images = pixels(heldout)
    among = _among(check, subject, "held-out", heldout)
    found = find(subject, "held-out", images, _effort(check), candidates=among)
    labels = subject.known_labels(heldout)
    if labels is None or found.class_error is None:
        return Parts(), []
    others = classifier_answers(subject, images, among)
    estimates = accuracies(found.class_error, labels, others, check.level, among)
    return Parts(estimates, tables=(accuracy_table(estimates),)), [say_classes(estimates)]


def _outliers(check: ManifoldClassifier, subject: Subject) -> tuple[Parts, list[str]]:
    outside = outside_images(subject, check.images)
    if not outside:
        return Parts(), []

    def scored(name: str, images: Images) -> Scores:
        return scores_of(subject, pixels(images), _distances(check, subject, name, images))

    inside = scored("held-out", heldout_images(subject, check.images))
    others = {name: scored(name, images) for name, images in outside.items()}
    estimates = outlier_estimates(inside, others, check.level)
    figure = roc_figure(inside[MANIFOLD], {name: scores[MANIFOLD] for name, scores in others.items()})
    parts = Parts(estimates, tables=(outlier_table(estimates, list(others)),), figures=(figure,))
    if every_image_lies_on_it(subject):
        parts += Parts(notes=(_IN_PLACE,))
    return parts, [say_outside(estimates, name) for name in others]


def _distances(check: ManifoldClassifier, subject: Subject, name: str, images: Images) -> Floats:
    """Return how far each image is from what the generator makes, (n,).

    Where it makes every image, how far its latent is from typical stands in that place.
    """
    read = pixels(images)
    if not every_image_lies_on_it(subject):
        among = _among(check, subject, name, images)
        return find(subject, name, read, _effort(check), candidates=among).error
    assert isinstance(subject.model, LatentModel)
    stream = Stream(subject.seed, ("manifold", "levels", name))
    latents = encoded(subject, name, between_levels(subject, read, stream)).latents
    return PriorLaw.learn(subject.model, Stream(subject.seed, ("prior",))).scores(latents)


def _among(check: ManifoldClassifier, subject: Subject, name: str, images: Images) -> Ints | None:
    """Return the classes (n, k) that each image is inverted under, its own among them; ``None``: all, or no classes."""
    classes = subject.model.classes if subject.model is not None else None
    own = labelled_classes(subject, images, pixels(images), every=False)
    if classes is None or own is None:
        return None
    return sampled_classes(own, classes, check.candidates, choosing(subject).numpy("candidates", name))


def _effort(check: ManifoldClassifier) -> SearchEffort:
    return SearchEffort(check.draws, check.starts, check.rounds)
