"""Rows are split by class, and repeats counted before a projection.

Mistakes seen: labels that do not follow their rows, a class's share of another, a projection of one kind's own,
held-out classes called by the generator's names.
"""

from dataclasses import replace

import numpy as np
import pytest

from didlearn.checks.feature_groups import FEWEST_ROWS, OWN, REAL, FeatureGroup, feature_groups
from didlearn.rng import Stream
from tests.checks.features import Lookup, numbered, subject_of


def group_of(*counts, order=None):
    """A group with so many rows of each class, in the order of the classes or as given."""
    labels = np.repeat(np.arange(len(counts)), counts)
    labels = labels if order is None else labels[order]
    return FeatureGroup(OWN, "generated", np.zeros((len(labels), 2)), labels, tuple("abc"[: len(counts)]), 0, 2)


def test_tested_rows_take_their_share_of_each_class():
    x = np.random.default_rng(0).normal(size=(400, 5))
    labels = np.repeat([0, 1], [300, 100])
    group = feature_groups(subject_of(x, None, labels), None, 400, 10, Stream(0))[OWN]
    chosen, counts = group.split(100)
    assert counts.tolist() == [75, 25]
    assert np.bincount(group.labels[chosen]).tolist() == [75, 25]
    assert group.split(10_000)[1].tolist() == [150, 50]


def test_the_first_rows_of_each_class_are_tested():
    order = np.array([9, 0, 5, 1, 6, 2, 7, 3, 8, 4])
    group = group_of(6, 4, order=order)
    chosen, counts = group.split(5)
    assert group.labels.tolist() == [1, 0, 0, 0, 1, 0, 1, 0, 1, 0]
    assert chosen.tolist() == [True, True, True, True, True, False, False, False, False, False]
    assert (counts.tolist(), group.counts.tolist()) == ([3, 2], [6, 4])


@pytest.mark.parametrize(
    ("counts", "tested", "wanted"),
    [
        ((50, 50), 10, [5, 5]),
        ((90, 10), 10, [9, 2]),  # two at least
        ((90, 3), 93, [45, 1]),  # as many stay fresh, two or not
        ((90, 10), 1000, [45, 5]),
        ((21, 20), 10, [5, 5]),  # 5.12 and 4.88
    ],
)
def test_how_many_of_each_class(counts, tested, wanted):
    assert group_of(*counts).split(tested)[1].tolist() == wanted


def test_without_labels_all_rows_are_one_class():
    group = replace(group_of(20), labels=None, names=("all",))
    chosen, counts = group.split(7)
    assert chosen.tolist() == [True] * 7 + [False] * 13
    assert counts.tolist() == [7]
    assert group.counts.tolist() == [20]


def test_labels_follow_their_features():
    labels = np.arange(200) % 2
    x = np.random.default_rng(0).normal(size=(200, 3)) + 100 * labels[:, None]
    groups = feature_groups(subject_of(x, x, labels, labels), None, 200, 10, Stream(0))
    for group in groups.values():
        assert (group.labels == (group.features.mean(1) > 50)).all()
        assert np.array_equal(np.sort(group.features, axis=0), np.sort(x.astype(np.float32), axis=0))
        assert not np.array_equal(group.features, x.astype(np.float32)), "rows are shuffled"


def test_small_classes_are_left_out_whatever_their_number():
    """Classes 1 and 5 have one row too few, class 3 none: the others are numbered anew and keep rows and names."""
    sizes = [FEWEST_ROWS, FEWEST_ROWS - 1, FEWEST_ROWS + 3, 0, FEWEST_ROWS, FEWEST_ROWS - 1]
    labels = np.repeat(np.arange(6), sizes)
    x = labels[:, None] + np.zeros((len(labels), 3))
    subject = subject_of(x, x, labels, labels)
    group = feature_groups(subject, None, len(x), 10, Stream(0))[OWN]
    assert group.names == ("0", "2", "4")
    assert group.counts.tolist() == [FEWEST_ROWS, FEWEST_ROWS + 3, FEWEST_ROWS]
    assert (group.features[:, 0] == np.array([0, 2, 4])[group.labels]).all()
    assert group.notes == (f"generated: classes with fewer than {FEWEST_ROWS} images were left out: 1, 3, 5.",)
    assert not feature_groups(subject_of(x[: sizes[0]]), None, len(x), 10, Stream(0))[OWN].notes


def test_classes_are_called_as_each_kind_calls_them():
    """The generator's by the training images' names, as far as there are names; held-out ones by their own."""
    labels = np.repeat([0, 1, 2], FEWEST_ROWS)
    x = np.random.default_rng(0).normal(size=(len(labels), 3))
    train = replace(numbered(0, 4, [0, 1, 2, 0]), classes=("cat", "dog"))
    subject = subject_of(x, x, labels, labels, train=train)
    subject = replace(subject, heldout=replace(subject.heldout, classes=("Katze", "Hund", "Maus")))
    groups = feature_groups(subject, None, len(x), 10, Stream(0))
    assert groups[OWN].names == ("cat", "dog", "2")
    assert groups[REAL].names == ("Katze", "Hund", "Maus")


def test_held_out_images_without_labels_are_no_match_for_classes():
    labels = np.repeat([0, 1], FEWEST_ROWS)
    x = np.random.default_rng(0).normal(size=(len(labels), 3))
    assert list(feature_groups(subject_of(x, x, labels), None, len(x), 10, Stream(0))) == [OWN]
    both = feature_groups(subject_of(x, x, None, labels), None, len(x), 10, Stream(0))
    assert list(both) == [OWN, REAL]
    assert both[REAL].labels is None
    assert list(feature_groups(subject_of(x), None, len(x), 10, Stream(0))) == [OWN]
    subject = subject_of(x, x)
    none = replace(subject, heldout=subject.heldout.subset(np.arange(0)))
    assert list(feature_groups(none, None, len(x), 10, Stream(0))) == [OWN]


def test_no_more_images_than_asked():
    x = np.random.default_rng(0).normal(size=(100, 3))
    groups = feature_groups(subject_of(x, x), None, 40, 10, Stream(0))
    assert [len(group.features) for group in groups.values()] == [40, 40]


def test_groups_share_one_projection():
    x = np.random.default_rng(0).normal(size=(100, 30))
    groups = feature_groups(subject_of(x, x), None, 100, 8, Stream(0))
    ours, theirs = (np.sort(groups[name].features[:, 0]) for name in (OWN, REAL))
    assert groups[OWN].features.shape == (100, 8)
    assert np.allclose(ours, theirs)
    assert groups[OWN].width == 30
    assert [group.role for group in groups.values()] == ["generated", "heldout"]


def test_a_projection_is_on_directions_of_unit_length_at_right_angles():
    whole = feature_groups(subject_of(np.eye(30)), None, 30, 8, Stream(0))[OWN].features
    assert whole.T @ whole == pytest.approx(np.eye(8), abs=1e-6)
    assert feature_groups(subject_of(np.eye(8)), None, 8, 8, Stream(0))[OWN].features.sum() == 8


def test_repeats_are_counted_before_the_projection_and_each_but_the_first():
    x = np.random.default_rng(0).normal(size=(50, 30))
    x[10:13] = x[0]
    x[20] = x[21]
    assert feature_groups(subject_of(x), None, 50, 8, Stream(0))[OWN].repeats == 4


def test_another_embedding_s_features_are_taken_of_both_kinds():
    x = np.random.default_rng(0).normal(size=(60, 3))
    other = Lookup(np.arange(120.0)[:, None] * [1, 1])
    groups = feature_groups(subject_of(x, x), other, 60, 10, Stream(0))
    assert sorted(groups[OWN].features[:, 0]) == list(range(60))
    assert sorted(groups[REAL].features[:, 0]) == list(range(60, 120))
    assert groups[OWN].features.dtype == np.float64


def test_repeats_are_of_the_rows_that_are_left():
    """Mistake seen: those of classes that were left out counted too, 104 % of all that was left."""
    labels = np.repeat([0, 1], [FEWEST_ROWS, FEWEST_ROWS - 1])
    x = np.random.default_rng(0).normal(size=(len(labels), 3))
    x[:5] = x[0]
    x[labels == 1] = x[-1]
    group = feature_groups(subject_of(x, None, labels), None, len(x), 10, Stream(0))[OWN]
    assert (len(group.features), group.repeats) == (FEWEST_ROWS, 4)
