"""The class whose manifold is nearest, against what simple classifiers say of the same images."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from didlearn.arrays import Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import choosing, pixels
from didlearn.models.base import LatentModel
from didlearn.neighbors import nearest
from didlearn.result.values import Estimate
from didlearn.statistics.intervals import proportion
from didlearn.statistics.subspace import principal_subspace

FITTED_AT_MOST = 5_000


def classifier_answers(subject: Subject, images: Singles) -> dict[str, Ints]:
    """Return the classes (n,) that simple classifiers, fitted to the training images, give to images (n, C, H, W)."""
    assert subject.train is not None
    assert isinstance(subject.model, LatentModel)
    train = subject.train.some(FITTED_AT_MOST, choosing(subject).numpy("classifier"))
    assert train.labels is not None
    x, y, query = pixels(train).reshape(len(train), -1), train.labels, images.reshape(len(images), -1)
    return {
        "neighbour_accuracy": y[nearest(query, x, device=subject.device).index[:, 0]],
        "linear_accuracy": by_regression(x, y, query),
        "subspace_accuracy": by_subspace(x, y, query, int(np.prod(subject.model.latent_shape))),
        "mean_accuracy": by_mean(x, y, query),
    }


def by_regression(x: Singles, y: Ints, query: Singles) -> Ints:
    """Classify rows (n, D) by logistic regression on rows x (m, D) of classes y (m,)."""
    with threadpool_limits(1):
        answers: Ints = LogisticRegression(C=0.1, max_iter=300).fit(x, y).predict(query)
    return answers


def by_subspace(x: Singles, y: Ints, query: Singles, dimension: int) -> Ints:
    """Classify rows (n, D) by the nearest of the subspaces fitted to each class's rows of x (m, D)."""
    classes = np.unique(y)
    spaces = [principal_subspace(x[y == c], dimension) for c in classes]
    return classes[np.argmin([space.error(query) for space in spaces], axis=0)]


def by_mean(x: Singles, y: Ints, query: Singles) -> Ints:
    """Classify rows (n, D) by the nearest of the means of each class's rows of x (m, D)."""
    classes = np.unique(y)
    means = np.stack([x[y == c].mean(axis=0) for c in classes])
    return classes[np.argmin(((query[:, None] - means) ** 2).sum(axis=2), axis=1)]


def accuracies(class_error: Floats, labels: Ints, others: dict[str, Ints], level: float) -> dict[str, Estimate]:
    """Compare the class of least distance (n, classes), and other classifiers' answers (n,), with the labels (n,)."""
    answers = {"manifold_accuracy": class_error.argmin(axis=1), **others}
    return {name: proportion(int((given == labels).sum()), len(labels), level) for name, given in answers.items()}
