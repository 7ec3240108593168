"""Observables of features whose variances are known.

Mistakes seen: the data counted as a replicate, rows of one class given another's mean, an observable that is not
1-Lipschitz.
"""

import numpy as np
import pytest

from didlearn.checks.concentration.observables import MEANING, observable_variances, widest_direction
from didlearn.checks.feature_groups import OWN, FeatureGroup
from didlearn.rng import Stream


def group_of(features, labels=None):
    names = ("all",) if labels is None else tuple(map(str, range(int(labels.max()) + 1)))
    return FeatureGroup(OWN, "generated", np.asarray(features, float), labels, names, 0, np.shape(features)[1])


def test_each_observable_is_what_it_says():
    """Of the first ten rows, about the mean of all; another image is one of the eight first that are not tested."""
    x = np.random.default_rng(0).normal(size=(40, 4)) * [4, 3, 2, 1] + 7
    found = observable_variances(group_of(x), 10, 19, Stream(0))
    rows = x[:10] - x.mean(0)
    norms, sums = np.sqrt((rows**2).sum(1)), np.abs(rows).sum(1) / 2
    apart = [np.linalg.norm(x[:10] - other, axis=1).var() for other in x[10:18]]
    assert found["norm"][0] == pytest.approx(norms.var())
    assert found["distance"][0] == pytest.approx(np.mean(apart))
    assert found["absolute"][0] == pytest.approx(sums.var())
    assert {len(values) for values in found.values()} == {20}
    assert list(found) == list(MEANING)


def test_the_greatest_projection_is_on_directions_of_unit_length():
    """In one dimension it is the feature itself, whichever way the direction points."""
    x = np.random.default_rng(0).normal(size=(40, 1))
    assert observable_variances(group_of(x), 10, 1, Stream(0))["greatest"][0] == pytest.approx(x[:10].var())
    wide = np.random.default_rng(1).normal(size=(4000, 40))
    greatest = observable_variances(group_of(wide), 2000, 1, Stream(0))["greatest"][0]
    normals = np.random.default_rng(2).normal(size=(20_000, 16)).max(1).var()
    assert greatest == pytest.approx(normals, rel=4 * np.sqrt(2 / 2000)), "of sixteen independent normals"


def test_rotations_of_gaussian_features_vary_as_they_do():
    x = np.random.default_rng(0).normal(size=(600, 8)) * np.linspace(1, 2, 8)
    for name, values in observable_variances(group_of(x), 300, 99, Stream(0)).items():
        assert (1 + (values[1:] >= values[0]).sum()) / 100 > 0.01, name
        assert (1 + (values[1:] <= values[0]).sum()) / 100 > 0.01, name


def test_rows_of_classes_are_tested_in_their_shares_and_replicated_by_class():
    """Classes far apart: the distance from the common mean is half the gap for all of them, with little variance."""
    labels = np.arange(200) % 2
    x = np.random.default_rng(0).normal(size=(200, 3)) + 1000 * labels[:, None]
    found = observable_variances(group_of(x, labels), 60, 5, Stream(0))
    assert found["norm"].max() < 10
    assert found["distance"].min() > 1e5, "of images of either class"


def test_the_widest_direction_and_how_many_there_are():
    """Rows ±(3, 4) and ±(4, −3)/2 in turn: covariances 100/3 · ½ and 25/3 · ½ along them."""
    x = np.array([(3, 4), (-3, -4), (2, -1.5), (-2, 1.5)]) + 9
    widest, effective = widest_direction(group_of(x))
    assert widest == pytest.approx(np.sqrt(50 / 3))
    assert effective == pytest.approx((50 + 12.5) / 50)
