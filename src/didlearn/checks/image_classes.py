"""The class that an image is inverted under, and its likelihood taken under, where the generator has classes.

Its own label, where it has one; else what a classifier of the user's says (``--classes-of``); else the class of the
training image nearest to it. Only without any of these, and with few classes, are all of them tried.
"""

from __future__ import annotations

import numpy as np

from didlearn.arrays import Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.embeddings.extract import embed
from didlearn.errors import ModelError
from didlearn.images.base import Images
from didlearn.naming import option
from didlearn.rng import Stream

FEW_CLASSES = 10  # all of them may be tried without being asked for
_LOOKED_AT = 5_000  # training images among which the nearest is looked for


def missing_classes(subject: Subject, every: bool) -> str | None:
    """Return what is missing where an image's class cannot be known and there are too many to try them all."""
    model = subject.model
    if model is None or model.classes is None or model.classes <= FEW_CLASSES or every or _has_source(subject):
        return None
    return (
        f"{model.name} has {model.classes} classes, and nothing says which an image is of; give training images with "
        f"labels, a classifier with {option('classes_of')}, or all_classes=true to try every one"
    )


def _has_source(subject: Subject) -> bool:
    return subject.classifier is not None or _train_labels(subject) is not None


def _train_labels(subject: Subject) -> Ints | None:
    labels = None if subject.train is None else subject.known_labels(subject.train)
    return None if labels is None or not (labels >= 0).any() else labels


def own_classes(subject: Subject, images: Singles, labels: Ints | None, every: bool) -> Ints | None:
    """Return the class of each image (n, C, H, W), (n,); ``None``: there are no classes, or all are to be tried.

    Args:
        labels: of the images, where they have any; −1 where one is not known. every: whether all classes are asked for.

    Raises:
        ModelError: the classifier does not tell as many classes as the generator has.
    """
    model = subject.model
    if model is None or model.classes is None or every:
        return None
    known = np.full(len(images), -1) if labels is None else labels
    unknown = known < 0
    if not unknown.any():
        return known
    guessed = _guessed(subject, images[unknown], model.classes)
    if guessed is None:
        return None
    filled = known.copy()
    filled[unknown] = guessed
    return filled


def labelled_classes(subject: Subject, images: Images, pixels: Singles, every: bool) -> Ints | None:
    """Return the classes of a set's images, whose pixels are (n, C, H, W): see ``own_classes``."""
    return own_classes(subject, pixels, subject.known_labels(images), every)


def _guessed(subject: Subject, images: Singles, classes: int) -> Ints | None:
    return _nearest_labels(subject, images) if subject.classifier is None else _classified(subject, images, classes)


def _classified(subject: Subject, images: Singles, classes: int) -> Ints:
    assert subject.classifier is not None
    scores = embed(subject.classifier, np.clip(images, 0, 1), device=subject.device, threads=subject.threads)
    if scores.shape[1] != classes:
        raise ModelError(
            f"{subject.classifier.name} tells {scores.shape[1]} classes apart, and the generator has {classes}; give "
            f"one that returns ({len(images)}, {classes}) scores with {option('classes_of')}"
        )
    found: Ints = scores.argmax(axis=1)
    return found


def _nearest_labels(subject: Subject, images: Singles) -> Ints | None:
    labels = _train_labels(subject)
    if labels is None:
        return None
    assert subject.train is not None
    order = Stream(subject.seed, ("classes",)).numpy("train").permutation(len(labels))
    index = np.sort(order[labels[order] >= 0][:_LOOKED_AT])
    chosen = subject.train.subset(index)
    rows = chosen.read(range(len(chosen))).numpy().reshape(len(chosen), -1).astype(np.float64)
    squares = np.square(rows).sum(axis=1)
    query = images.reshape(len(images), -1).astype(np.float64)
    return labels[index][(squares - 2 * query @ rows.T).argmin(axis=1)]


def classes_note(subject: Subject, every: bool) -> tuple[str, ...]:
    """Return what a reader should know about the classes, a sentence."""
    model = subject.model
    if model is None or model.classes is None:
        return ()
    if every or not _has_source(subject):
        return (f"Each image was tried under all {model.classes} classes.",)
    other = "what the classifier given says" if subject.classifier else "that of the training image nearest to it"
    return (f"Each image was taken under its own label alone, or, without one, under {other}.",)
