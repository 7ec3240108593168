"""Classes by the nearest manifold and by simple classifiers, on images whose classes are known."""

import numpy as np
import pytest
from scipy import optimize

from didlearn.checks.manifold_classifier.measure import (
    accuracies,
    by_mean,
    by_neighbour,
    by_regression,
    by_subspace,
    classifier_answers,
    sampled_classes,
)
from didlearn.images import open_images
from didlearn.images.base import Images
from tests.checks.inversions import line_model, subject_of, uniform_images


def labelled(images, labels):
    opened = open_images(images)
    return Images(opened.reader, opened.shape, "labelled", np.asarray(labels), ("a", "b", "c"))


def test_the_nearest_mean_is_the_answer():
    x = np.array([[0, 0], [2, 0], [10, 0], [10, 2], [5, 9]], np.float32)
    y = np.array([4, 4, 7, 7, 9])
    # The means are (1, 0), (10, 1) and (5, 9).
    query = np.array([[5, 0], [6, 0], [5, 6], [-9, 0]], np.float32)
    assert by_mean(x, y, query).tolist() == [4, 7, 9, 4]


def test_the_nearest_subspace_is_the_answer():
    t = np.linspace(-1, 1, 5)
    across, up = np.stack([t, 0 * t], axis=1), np.stack([3 + 0 * t, t], axis=1)
    x, y = np.concatenate([across, up]).astype(np.float32), np.repeat([2, 5], 5)
    query = np.array([[9.0, 1.0], [2.5, 1.0], [3.1, 9.0], [0.0, 0.1]], np.float32)
    assert by_subspace(x, y, query, 1).tolist() == [2, 5, 5, 2]
    # As many dimensions as there are pixels: every class reaches everything, and the first is taken.
    assert by_subspace(x, y, query, 2).tolist() == [2, 2, 2, 2]


def test_a_class_of_few_images_spans_what_it_can():
    x = np.array([[0, 0], [9, 9], [9, 8]], np.float32)
    # One image is a point; two are the line x = 9.
    assert by_subspace(x, np.array([0, 1, 1]), np.array([[1, 0], [9, 0]], np.float32), 7).tolist() == [0, 1]


def test_regression_draws_a_line_between_classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    y = np.where(x[:, 0] > 0, 8, 3)
    assert by_regression(x, y, np.array([[2.0, 0, 0], [-2.0, 0, 0]], np.float32)).tolist() == [8, 3]


def test_regression_is_held_back_by_a_tenth():
    """Twenty rows of a class at 0 and five of the other at 1: w²/2 + .1 Σ log(1 + e^∓(wx + b)) is least."""
    x, y = np.repeat([[0.0], [1.0]], [20, 5], axis=0).astype(np.float32), np.repeat([0, 1], [20, 5])

    def loss(at):
        w, b = at
        return w**2 / 2 + 0.1 * (20 * np.logaddexp(0, b) + 5 * np.logaddexp(0, -w - b))

    w, b = optimize.minimize(loss, [1.0, 0.0], tol=1e-9).x
    border = -b / w
    query = np.array([[0.99 * border], [1.01 * border]], np.float32)
    assert by_regression(x, y, query).tolist() == [0, 1]


def test_every_classifier_is_asked_of_training_images_and_labels():
    """Two classes that mean and line confuse: one inside the other. The neighbour and a subspace of a pixel do not."""
    rng = np.random.default_rng(0)
    inner, outer = rng.normal(0, 0.01, size=(60, 16)), np.zeros((60, 16))
    outer[:, 0] = np.repeat([-0.4, 0.4], 30)
    train = (0.5 + np.concatenate([inner, inner + outer])).astype(np.float32).reshape(-1, 1, 4, 4)
    labels = np.repeat([0, 1], 60)
    subject = subject_of(line_model(1), train)
    subject = type(subject)(subject.model, labelled(train, labels))
    query = np.full((2, 1, 4, 4), 0.5, np.float32)
    query[1, 0, 0, 0] = 0.9
    found = classifier_answers(subject, query)
    assert list(found) == ["neighbour_accuracy", "linear_accuracy", "subspace_accuracy", "mean_accuracy"]
    assert found["neighbour_accuracy"].tolist() == [0, 1]
    assert found["subspace_accuracy"][1] == 1
    x = train.reshape(-1, 16)
    for name, classify in (("mean_accuracy", by_mean), ("linear_accuracy", by_regression)):
        assert np.array_equal(found[name], classify(x, labels, query.reshape(2, 16))), name
    assert np.array_equal(found["subspace_accuracy"], by_subspace(x, labels, query.reshape(2, 16), 1))


def test_a_sample_of_a_large_set_is_fitted(monkeypatch):
    from didlearn.checks.manifold_classifier import measure

    monkeypatch.setattr(measure, "FITTED_AT_MOST", 7)
    sizes = []
    monkeypatch.setattr(measure, "by_mean", lambda x, y, query, among: sizes.append((len(x), len(y))))
    train = labelled(uniform_images(40, 0), np.arange(40) % 2)
    classifier_answers(type(subject_of(None))(line_model(), train), uniform_images(2, 1))
    assert sizes == [(7, 7)]


def test_the_class_of_least_distance_is_the_answer():
    errors = np.array([[3.0, 1.0], [0.0, 2.0], [5.0, 4.0]])
    answers = {"neighbour_accuracy": np.zeros(3, int), "linear_accuracy": np.ones(3, int)}
    found = accuracies(errors, np.array([1, 1, 1]), answers, 0.9)
    assert {name: estimate.value for name, estimate in found.items()} == {
        "manifold_accuracy": pytest.approx(2 / 3), "neighbour_accuracy": 0, "linear_accuracy": 1,
        "chance": 0.5,
    }  # fmt: skip
    assert {(estimate.n, estimate.level) for estimate in found.values()} == {(3, 0.9)}


def test_sampled_classes_hold_the_images_own_and_others_by_chance():
    own, rng = np.repeat([0, 7, 999], 300), np.random.default_rng(0)
    found = sampled_classes(own, 1000, 10, rng)
    assert found.shape == (900, 10)
    assert (found == own[:, None]).sum(axis=1).tolist() == [1] * 900
    assert (np.diff(found, axis=1) > 0).all()
    others = found[found != own[:, None]]
    # 8 100 draws of 999 classes: their mean is that of an even law.
    assert abs(others.mean() - 499.5) < 4 * 999 / np.sqrt(12 * len(others))
    assert sampled_classes(own, 10, 10, rng) is None


def test_answers_are_among_the_candidates():
    x = np.array([[0.0, 0], [1, 0], [5, 0], [6, 0], [9, 9], [8, 9]], np.float32)
    y, query = np.repeat([0, 1, 2], 2), np.array([[0.4, 0.0], [0.4, 0.0]], np.float32)
    among = np.array([[0, 2], [1, 2]])
    assert by_mean(x, y, query, among).tolist() == [0, 1]
    assert by_regression(x, y, query, among).tolist() == [0, 1]
    assert by_neighbour(x, y, query, among, "cpu").tolist() == [0, 1]
    assert by_subspace(x, y, query, 1, np.array([[2, 0], [2, 2]])).tolist() == [0, 2]


def test_distances_of_candidates_name_their_classes():
    errors, among = np.array([[3.0, 1.0], [0.5, 2.0]]), np.array([[4, 9], [9, 11]])
    found = accuracies(errors, np.array([9, 9]), {}, 0.9, among)
    assert found["manifold_accuracy"].value == 1
    assert found["chance"].value == 0.5
