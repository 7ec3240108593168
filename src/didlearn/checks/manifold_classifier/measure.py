"""The class whose manifold is nearest, against what simple classifiers say of the same images."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.groups import pixels
from didlearn.models.base import LatentModel
from didlearn.neighbors import nearest
from didlearn.result.parts import Parts
from didlearn.result.values import Table
from didlearn.result.words import percent
from didlearn.rng import Stream
from didlearn.statistics.intervals import proportion
from didlearn.statistics.subspace import principal_subspace

_FITTED = 5_000
_NAMES = {
    "neighbour_accuracy": "nearest training image",
    "linear_accuracy": "logistic regression on pixels",
    "subspace_accuracy": "nearest subspace of the latent's dimension, one a class",
    "mean_accuracy": "nearest class mean",
}


def baselines(subject: Subject, images: Array) -> dict[str, Array]:
    """Return the classes (n,) that simple classifiers, fitted to the training images, give to images (n, C, H, W)."""
    assert subject.train is not None
    assert isinstance(subject.model, LatentModel)
    train = subject.train.some(_FITTED, Stream(subject.seed, ("manifold",)).numpy("classifier"))
    assert train.labels is not None
    x, y, query = pixels(train).reshape(len(train), -1), train.labels, images.reshape(len(images), -1)
    classes = np.unique(y)
    dimension = int(np.prod(subject.model.latent_shape))
    spaces = [principal_subspace(x[y == c], min(dimension, int((y == c).sum()) - 1)) for c in classes]
    means = np.stack([x[y == c].mean(axis=0) for c in classes])
    with threadpool_limits(1):
        linear = LogisticRegression(C=0.1, max_iter=300).fit(x, y)
    return {
        "neighbour_accuracy": y[nearest(query, x, device=subject.device).index[:, 0]],
        "linear_accuracy": linear.predict(query),
        "subspace_accuracy": classes[np.argmin([space.error(query) for space in spaces], axis=0)],
        "mean_accuracy": classes[np.argmin(((query[:, None] - means) ** 2).sum(axis=2), axis=1)],
    }


def classified(class_error: Array, labels: Array, others: dict[str, Array], level: float) -> tuple[Parts, str]:
    """Compare the class of least distance (n, classes) with the labels (n,), beside other classifiers' answers."""
    n = len(labels)
    right = int((class_error.argmin(axis=1) == labels).sum())
    estimates = {"manifold_accuracy": proportion(right, n, level)}
    for name, answers in others.items():
        estimates[name] = proportion(int((answers == labels).sum()), n, level)
    words = {"manifold_accuracy": "nearest class manifold"} | _NAMES
    rows = tuple((words[name], e.value, e.low, e.high) for name, e in estimates.items())
    table = Table(
        name="accuracy",
        title="Held-out images, classified",
        columns=("classifier", "accuracy", "at least", "at most"),
        rows=rows,
        caption=f"{n} held-out images; the classifiers below the first are fitted to "
        f"at most {_FITTED} training images.",
    )
    value = {name: e.value or 0.0 for name, e in estimates.items()}
    sentence = (
        f"The nearest class manifold is right for {percent(value['manifold_accuracy'])} of held-out images; the "
        f"nearest training image for {percent(value['neighbour_accuracy'])}, a linear classifier for "
        f"{percent(value['linear_accuracy'])}."
    )
    return Parts(estimates, tables=(table,)), sentence
