"""What the manifold classifier shows, against cases counted by hand."""

import numpy as np

from didlearn.checks.manifold_classifier.outliers import outlier_key
from didlearn.checks.manifold_classifier.page import SCORES, accuracy_table, outlier_table, roc_figure
from didlearn.result.values import Estimate


def share(value):
    return Estimate(value=value, low=value - 0.1, high=value + 0.1, n=30, method="given")


def test_each_classifier_is_a_line():
    table = accuracy_table({"manifold_accuracy": share(0.5), "mean_accuracy": share(0.25)})
    assert table.rows == (("nearest class manifold", 0.5, 0.4, 0.6), ("nearest class mean", 0.25, 0.15, 0.35))
    assert "30 held-out images" in table.caption
    assert "5000 training images" in table.caption


def test_each_score_of_each_set_is_a_line():
    places = {name: i / 10 for i, name in enumerate(SCORES, 2)}
    found = {outlier_key(name, score): share(places[score]) for name in ("a", "b") for score in SCORES}
    table = outlier_table(found, ["a", "b"])
    assert [row[0] for row in table.rows] == ["a"] * 5 + ["b"] * 5
    assert [row[1:3] for row in table.rows[:5]] == [(SCORES[score], places[score]) for score in SCORES]


def test_the_curve_rises_as_the_threshold_falls():
    figure = roc_figure(np.array([1.0, 2.0]), {"far": np.array([2.5, 1.5])})
    far, chance = figure.series
    assert (far.x, far.y) == ((0, 0, 0.5, 0.5, 1), (0, 0.5, 0.5, 1, 1))
    assert (far.role, chance.role) == ("outside", "theory")
    assert (chance.x, chance.y) == ((0, 1), (0, 1))
