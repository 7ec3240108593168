"""The class whose manifold is nearest, against what simple classifiers say of the same images."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from didlearn.arrays import Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import choosing, pixels
from didlearn.models.base import LatentModel
from didlearn.neighbors import nearest
from didlearn.parallel import limited_blas
from didlearn.result.values import Estimate, exactly
from didlearn.statistics.intervals import proportion
from didlearn.statistics.subspace import principal_subspace

FITTED_AT_MOST = 5_000


def classifier_answers(subject: Subject, images: Singles, among: Ints | None = None) -> dict[str, Ints]:
    """Return the classes (n,) that simple classifiers, fitted to the training images, give to images (n, C, H, W).

    ``among`` (n, k): the classes that each image's answer is one of; any class when ``None``.
    """
    assert subject.train is not None
    assert isinstance(subject.model, LatentModel)
    train = subject.train.some(FITTED_AT_MOST, choosing(subject).numpy("classifier"))
    assert train.labels is not None
    x, y, query = pixels(train).reshape(len(train), -1), train.labels, images.reshape(len(images), -1)
    return {
        "neighbour_accuracy": by_neighbour(x, y, query, among, subject.device),
        "linear_accuracy": by_regression(x, y, query, among),
        "subspace_accuracy": by_subspace(x, y, query, int(np.prod(subject.model.latent_shape)), among),
        "mean_accuracy": by_mean(x, y, query, among),
    }


def by_neighbour(x: Singles, y: Ints, query: Singles, among: Ints | None, device: str) -> Ints:
    """Classify rows (n, D) by the nearest of the rows x (m, D) of classes y (m,)."""
    if among is None:
        return y[nearest(query, x, device=device).index[:, 0]]
    classes = np.unique(y)
    away = [nearest(query, x[y == c], device=device).distance[:, 0] for c in classes]
    return _least(np.stack(away, axis=1), classes, among)


def by_regression(x: Singles, y: Ints, query: Singles, among: Ints | None = None) -> Ints:
    """Classify rows (n, D) by logistic regression on rows x (m, D) of classes y (m,)."""
    with limited_blas(1):
        fitted = LogisticRegression(C=0.1, max_iter=300).fit(x, y)
        answers: Ints = fitted.predict(query)
        return answers if among is None else _least(-fitted.predict_log_proba(query), fitted.classes_, among)


def by_subspace(x: Singles, y: Ints, query: Singles, dimension: int, among: Ints | None = None) -> Ints:
    """Classify rows (n, D) by the nearest of the subspaces fitted to each class's rows of x (m, D)."""
    classes = np.unique(y)
    spaces = [principal_subspace(x[y == c], dimension) for c in classes]
    return _least(np.stack([space.error(query) for space in spaces], axis=1), classes, among)


def by_mean(x: Singles, y: Ints, query: Singles, among: Ints | None = None) -> Ints:
    """Classify rows (n, D) by the nearest of the means of each class's rows of x (m, D)."""
    classes = np.unique(y)
    means = (x[y == c].mean(axis=0) for c in classes)
    return _least(np.stack([((query - mean) ** 2).sum(axis=1) for mean in means], axis=1), classes, among)


def _least(away: Floats | Singles, classes: Ints, among: Ints | None) -> Ints:
    """Return the class of the least distance (n, c), among those allowed (n, k) if any of them was seen."""
    if among is not None:
        allowed = (among[:, :, None] == classes).any(axis=1)
        away = np.where(allowed | ~allowed.any(axis=1, keepdims=True), away, np.inf)
    return classes[away.argmin(axis=1)]


def sampled_classes(own: Ints, classes: int, count: int, rng: np.random.Generator) -> Ints | None:
    """Return ``count`` classes for each image, its own (n,) among them, ascending: (n, count); ``None``: all are taken.

    The others are drawn without replacement.
    """
    if count >= classes:
        return None
    key = rng.random((len(own), classes))
    key[np.arange(len(own)), own] = -1
    return np.sort(np.argsort(key, axis=1)[:, :count], axis=1)


def accuracies(
    class_error: Floats, labels: Ints, others: dict[str, Ints], level: float, among: Ints | None = None
) -> dict[str, Estimate]:
    """Compare the class of least distance (n, k), and other classifiers' answers (n,), with the labels (n,).

    ``among`` (n, k): the classes of the distances; number 0 and on when ``None``.
    """
    best = class_error.argmin(axis=1)
    answers = {"manifold_accuracy": best if among is None else among[np.arange(len(best)), best], **others}
    found = {name: proportion(int((given == labels).sum()), len(labels), level) for name, given in answers.items()}
    method = "one over the classes tried"
    return found | {"chance": exactly(1 / class_error.shape[1], level, len(labels), method, "fraction")}
