"""The battery on features whose law is known. Mistakes seen: zeros beyond the rank not counted, another's labels."""

import numpy as np
import pytest

from didlearn.checks.feature_groups import FEWEST_ROWS, OWN, FeatureGroup
from didlearn.checks.gaussianity.battery import run_battery
from didlearn.random_matrix import concentration_curve, moment_test, pivotal_test
from didlearn.rng import Stream


def group_of(n, p, labels=None):
    x = np.random.default_rng(0).normal(size=(n, p)) * np.linspace(0.5, 2, p) + 3
    names = ("all",) if labels is None else tuple(map(str, range(int(labels.max()) + 1)))
    return FeatureGroup(OWN, "generated", x, labels, names, 0, p)


@pytest.fixture(scope="module")
def classes():
    """Three classes, of which the second is rare among the first rows."""
    labels = np.arange(240) % 3
    labels[:60] = np.where(labels[:60] == 1, 0, labels[:60])
    group = group_of(240, 6, labels)
    return group, run_battery(group, 60, 19, Stream(5), matched=150)


def test_every_test_is_of_the_group(classes):
    group, found = classes
    x, y = group.features, group.labels
    chosen, counts = group.split(60)
    assert (found.group, found.tested) == (group, counts.sum())
    gram = moment_test(
        x[chosen], y[chosen], fresh=x[~chosen], fresh_labels=y[~chosen], rng=Stream(5).numpy("gram"), replicates=19
    )
    assert np.array_equal(found.gram.eigenvalues, gram.eigenvalues)
    assert found.gram.statistics == gram.statistics
    assert found.pivotal.spectrum == pivotal_test(x, y, rng=Stream(5).numpy("pivotal"), replicates=19).spectrum
    curve = concentration_curve(x, y, rng=Stream(5).numpy("concentration"))
    assert np.array_equal(found.curve.plain, curve.plain)
    assert found.classes.test_rows > 60
    assert found.rank == 6


def test_as_many_rows_as_another_group_has_are_tested_again(classes):
    group, found = classes
    assert found.matched is not None
    assert found.matched.sizes.sum() == 150
    rng = Stream(5).numpy("matched")
    again = pivotal_test(group.features[:150], group.labels[:150], rng=rng, replicates=19)
    assert found.matched.spectrum == again.spectrum


@pytest.mark.parametrize(("rows", "enough"), [(2 * FEWEST_ROWS, True), (2 * FEWEST_ROWS - 1, False), (50, False)])
def test_too_few_rows_of_a_class_or_no_fewer_rows_are_not_tested_again(monkeypatch, rows, enough):
    monkeypatch.setattr("didlearn.checks.gaussianity.battery.classifier_errors", lambda *_: None)  # most of the time
    found = run_battery(group_of(50, 2, np.arange(50) % 2), 10, 19, Stream(0), matched=rows)
    assert (found.matched is not None) == enough


@pytest.mark.parametrize(("rows", "p"), [(60, 20), (20, 60)])
def test_the_limit_is_near_and_its_distance_that_of_the_distribution_functions(rows, p):
    found = run_battery(group_of(6 * p, p), rows, 19, Stream(0))
    assert found.classes is found.matched is None
    values = np.append(found.gram.eigenvalues, np.zeros(rows - min(rows, p)))
    below = (values[:, None] <= found.bins).mean(0)
    assert found.distance == pytest.approx(np.abs(below - found.limit.distribution).max())
    assert found.distance < 0.15
    nulls = [np.append(row, np.zeros(rows - min(rows, p))) for row in found.gram.replicate_eigenvalues]
    apart = [np.abs((row[:, None] <= found.bins).mean(0) - found.limit.distribution).max() for row in nulls]
    assert found.distance_null == pytest.approx(apart)


def test_bins_hold_every_eigenvalue_that_is_not_too_small():
    found = run_battery(group_of(200, 5), 40, 19, Stream(0))
    every = np.append(found.gram.eigenvalues, found.gram.replicate_eigenvalues)
    assert len(found.bins) == 41
    assert (found.bins[0], found.bins[-1]) == pytest.approx((every.min() / 1.1, 1.1 * every.max()))
    group = group_of(200, 5)
    group.features[:, 0] *= 1e-4
    found = run_battery(group, 40, 19, Stream(0))
    assert found.bins[0] >= 1e-4 * found.bins[-1] * (1 - 1e-12)
