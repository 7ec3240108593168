"""Rows are split by class, and repeats counted before a projection."""

import numpy as np

from didlearn.checks.feature_groups import OWN, REAL, feature_groups
from didlearn.rng import Stream
from tests.checks.features import subject_of


def test_tested_rows_take_their_share_of_each_class():
    x = np.random.default_rng(0).normal(size=(400, 5))
    labels = np.repeat([0, 1], [300, 100])
    group = feature_groups(subject_of(x, None, labels), None, 400, 10, Stream(0))[OWN]
    chosen, counts = group.split(100)
    assert counts.tolist() == [75, 25]
    assert np.bincount(group.labels[chosen]).tolist() == [75, 25]
    assert group.split(10_000)[1].tolist() == [150, 50]


def test_labels_follow_their_features():
    labels = np.arange(200) % 2
    x = np.random.default_rng(0).normal(size=(200, 3)) + 100 * labels[:, None]
    groups = feature_groups(subject_of(x, x, labels, labels), None, 200, 10, Stream(0))
    for group in groups.values():
        assert (group.labels == (group.features.mean(1) > 50)).all()


def test_groups_share_one_projection():
    x = np.random.default_rng(0).normal(size=(100, 30))
    groups = feature_groups(subject_of(x, x), None, 100, 8, Stream(0))
    ours, theirs = (np.sort(groups[name].features[:, 0]) for name in (OWN, REAL))
    assert groups[OWN].features.shape == (100, 8)
    assert np.allclose(ours, theirs)
    assert groups[OWN].width == 30
