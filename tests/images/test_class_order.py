"""A label means one thing: laws of matching, whatever the sets call their classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from didlearn.images.base import Images
from didlearn.images.class_order import ClassOrder, match_classes, order_of, ordered_names, without_labels


class Blank:
    """Pictures nobody reads."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def read(self, indices):
        return np.zeros((len(indices), 1, 2, 2), np.uint8)


def labelled(labels, classes=None):
    return Images(Blank(len(labels)), (1, 2, 2), "x", np.asarray(labels, np.int64), classes)


def called(images):
    return [images.label_name(i) for i in range(len(images))]


NAMES = st.lists(st.sampled_from(["cat", "dog", "owl", "7", "10", "2", "fox"]), min_size=1, max_size=7, unique=True)


@given(NAMES, NAMES, st.data())
def test_every_image_keeps_its_class_and_shared_classes_share_their_numbers(own, other, data):
    labels = data.draw(st.lists(st.integers(0, len(own) - 1), min_size=1, max_size=20))
    matched = match_classes(labelled(labels, tuple(own)), ClassOrder(tuple(other), len(other)))
    names = [own[label] for label in labels]
    if not set(names) & set(other):
        assert matched is None
        return
    assert called(matched.images) == names
    assert matched.images.classes[: len(other)] == tuple(other)
    assert set(matched.strangers) == set(names) - set(other)
    assert not matched.by_place


@given(NAMES, st.data())
def test_matching_twice_is_matching_once(names, data):
    labels = data.draw(st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=20))
    order = ClassOrder(tuple(sorted(names)), len(names))
    once = match_classes(labelled(labels, tuple(names)), order).images
    twice = match_classes(once, order).images
    assert np.array_equal(once.labels, twice.labels)
    assert once.classes == twice.classes


@pytest.mark.parametrize(
    ("labels", "names", "order", "expected"),
    [
        ([0, 1], ("cat", "owl"), ClassOrder(("cat", "dog", "owl"), 3), [0, 2]),
        ([0, 1, 2], ("1", "2", "10"), ClassOrder(("1", "10", "2"), 3), [0, 2, 1]),
        ([0, 1], ("01", "02"), ClassOrder(("2", "1"), 2), [1, 0]),
        ([0, 9], None, ClassOrder(tuple("0123456789"), 10), [0, 9]),
        ([1, 3], None, ClassOrder(("1", "3", "7"), 3), [0, 1]),
        ([0, 1], ("0", "2"), ClassOrder(None, 3), [0, 2]),
        ([0, 2], None, ClassOrder(None, 10), [0, 2]),
        ([2, 12], None, ClassOrder(None, 10), [2, 12]),
    ],
)
def test_by_name_and_by_number(labels, names, order, expected):
    matched = match_classes(labelled(labels, names), order)
    assert matched.images.labels.tolist() == expected
    assert not matched.by_place


@pytest.mark.parametrize(
    ("labels", "names", "order", "classes"),
    [
        ([0, 2], None, ClassOrder(("cat", "dog", "owl"), 3), ("cat", "dog", "owl")),
        ([0, 1, 2], ("cat", "dog", "owl"), ClassOrder(None, 3), ("cat", "dog", "owl")),
        ([0, 1], ("1", "2"), ClassOrder(None, 2), ("1", "2")),
    ],
)
def test_words_and_plain_numbers_are_matched_by_place_and_that_is_told(labels, names, order, classes):
    matched = match_classes(labelled(labels, names), order)
    assert matched.by_place
    assert matched.images.labels.tolist() == labels
    assert matched.images.classes == classes


@pytest.mark.parametrize(
    ("labels", "names", "order"),
    [
        ([0, 1], ("cat", "dog"), ClassOrder(("fox", "owl"), 2)),
        ([1, 2, 3], None, ClassOrder(("cat", "dog", "owl"), 3)),  # of another range
        ([0, 1], ("cat", "owl"), ClassOrder(None, 3)),  # one is missing, and nobody knows which
        ([7, 8], None, ClassOrder(None, 5)),
        ([0, 5], None, ClassOrder(("1", "2", "5"), 3)),  # numbers from 0 are not the names from 1
    ],
)
def test_what_shares_nothing_is_not_matched(labels, names, order):
    assert match_classes(labelled(labels, names), order) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["10", "9", "2", "10"], ["2", "9", "10"]),
        (["10", "2", "b"], ["10", "2", "b"]),
        (["02", "1"], ["1", "02"]),
        (["²", "10", "9"], ["10", "9", "²"]),
        (["9" * 6000, "1"], ["1", "9" * 6000]),
    ],
)
def test_numbers_are_in_numeric_order(names, expected):
    assert ordered_names(names) == expected


def test_the_order_of_a_set():
    assert order_of(None) is None
    assert order_of(Images(Blank(3), (1, 2, 2), "x")) is None
    assert order_of(labelled([0, 4])) == ClassOrder(None, 5)
    assert order_of(labelled([0, 2], ("a", "b"))) == ClassOrder(("a", "b", "2"), 3)
    assert without_labels(labelled([0, 1], ("a", "b"))).labels is None


def test_a_sentence_shows_the_first_few():
    assert ClassOrder(tuple("abcdef"), 6).shown() == "a, b, c, d, e, …"
    assert ClassOrder(tuple("abcde"), 5).shown() == "a, b, c, d, e"
    assert ClassOrder(None, 10).shown() == "numbers 0 to 9"
