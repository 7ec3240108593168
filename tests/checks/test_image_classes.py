"""Under which class an image is taken: its own, the classifier's, that of the nearest training image, or all."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from didlearn.audit.subject import Subject
from didlearn.checks.image_classes import classes_note, missing_classes, own_classes
from didlearn.embeddings.base import Embedding
from didlearn.errors import ModelError
from didlearn.images import open_images
from didlearn.images.base import Images


def conditional(classes):
    return SimpleNamespace(name="net", classes=classes, class_names=None)


def labelled(x, y):
    opened = open_images(np.asarray(x, np.float32))
    return Images(opened.reader, opened.shape, "labelled", np.asarray(y))


def levels(*values):
    """Flat images of these grey levels."""
    return np.tile(np.array(values, np.float32)[:, None, None, None], (1, 1, 4, 4))


class Bright(Embedding):
    name = "bright"

    def __init__(self, classes):
        self.classes = classes

    def __call__(self, images):
        return -(images.mean(dim=(1, 2, 3))[:, None] * self.classes - torch.arange(self.classes) - 0.5).abs()


TRAIN = labelled(levels(0.05, 0.5, 0.95), [3, 11, 7])


def test_an_image_is_taken_under_its_own_label():
    subject = Subject(conditional(20), TRAIN, classifier=Bright(20))
    assert own_classes(subject, levels(0.1, 0.9), np.array([4, 5]), False).tolist() == [4, 5]


def test_without_a_label_the_classifier_tells_and_else_the_nearest_training_image():
    asked = levels(0.06, 0.94, 0.51)
    assert own_classes(Subject(conditional(20), TRAIN), asked, None, False).tolist() == [3, 7, 11]
    assert own_classes(Subject(conditional(20), TRAIN, classifier=Bright(20)), asked, None, False).tolist() == [
        1,
        18,
        10,
    ]
    # Classes the generator does not have are no labels.
    assert own_classes(Subject(conditional(20), TRAIN), asked, np.array([-1, 2, -1]), False).tolist() == [3, 2, 11]


def test_all_are_tried_where_asked_or_where_nothing_tells():
    assert own_classes(Subject(conditional(20), TRAIN), levels(0.1), np.array([4]), True) is None
    assert own_classes(Subject(conditional(5), open_images(levels(0.1, 0.2))), levels(0.1), None, False) is None
    assert own_classes(Subject(conditional(None), TRAIN), levels(0.1), np.array([4]), False) is None


def test_many_classes_and_nothing_that_tells_are_refused_with_what_would_do():
    bare = open_images(levels(0.1, 0.2))
    said = missing_classes(Subject(conditional(1000), bare), False)
    assert "has 1000 classes" in said
    assert "classes_of=..." in said
    assert "all_classes=true" in said
    for model, train, options, every in (
        (1000, bare, {}, True), (10, bare, {}, False), (None, bare, {}, False), (1000, TRAIN, {}, False),
        (1000, bare, {"classifier": Bright(1000)}, False),
    ):  # fmt: skip
        assert missing_classes(Subject(conditional(model), train, **options), every) is None


def test_labels_of_other_classes_tell_nothing():
    strangers = labelled(levels(0.1, 0.2), [12, 13])
    assert "nothing says" in missing_classes(Subject(conditional(11), strangers), False)


def test_a_classifier_of_other_classes_is_refused():
    with pytest.raises(ModelError, match="tells 3 classes apart, and the generator has 20"):
        own_classes(Subject(conditional(20), TRAIN, classifier=Bright(3)), levels(0.1), None, False)


def test_what_was_done_is_noted():
    assert "under its own label alone" in classes_note(Subject(conditional(20), TRAIN), False)[0]
    assert "the classifier given" in classes_note(Subject(conditional(20), TRAIN, classifier=Bright(20)), False)[0]
    assert "all 20 classes" in classes_note(Subject(conditional(20), TRAIN), True)[0]
    assert classes_note(Subject(conditional(None), TRAIN), False) == ()
