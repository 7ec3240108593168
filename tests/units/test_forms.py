"""Results with fields, kept as arrays: they come back as they were, or are made again."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from didlearn.arrays import Floats, Ints
from didlearn.checks.feature_groups import FeatureGroup
from didlearn.checks.gaussianity import battery as module
from didlearn.checks.gaussianity.battery import run_battery
from didlearn.rng import Stream
from didlearn.units.forms import from_arrays, kept_result, to_arrays


class Place(NamedTuple):
    x: float
    name: str | None


@dataclass(frozen=True)
class Inner:
    ratio: float | None
    counts: Ints


@dataclass(frozen=True)
class Outer:
    values: Floats
    inner: Inner
    parts: dict[str, Inner]
    table: dict[tuple[str, float], Floats]
    places: tuple[Place, ...]
    pair: tuple[int, str]
    sure: bool


OUTER = Outer(
    np.array([[1.5, np.nan], [np.inf, -0.0]]),
    Inner(None, np.arange(3)),
    {"a": Inner(0.25, np.zeros((0, 2), np.int64))},
    {("ridge", 0.1): np.ones(2), ("ridge", 10.0): np.zeros(1)},
    (Place(1.0, None), Place(2.0, "ä")),
    (3, "b"),
    True,
)


def equal(one, other):
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(equal(v, getattr(other, name)) for name, v in vars(one).items())
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return one == other and type(one) is type(other)


def test_a_value_comes_back_as_it_was():
    assert equal(from_arrays(Outer, to_arrays(OUTER)), OUTER)


def test_it_is_kept_for_what_it_depends_on(tmp_path):
    made = []

    def make():
        made.append(1)
        return OUTER

    for _ in range(2):
        assert equal(kept_result(tmp_path, Outer, make, {"x": np.ones(3)}, {"seed": 0}), OUTER)
    assert len(made) == 1
    kept_result(tmp_path, Outer, make, {"x": np.ones(3)}, {"seed": 1})
    kept_result(tmp_path, Outer, make, {"x": np.zeros(3)}, {"seed": 0})
    kept_result(None, Outer, make, {"x": np.ones(3)}, {"seed": 0})
    assert len(made) == 4


@pytest.mark.parametrize("classes", [1, 3])
def test_finished_tests_of_features_are_not_made_again(classes, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 20) if classes > 1 else None
    x = rng.normal(size=(20 * max(classes, 3), 8))
    group = FeatureGroup("generated", "generated", x, labels, ("a", "b", "c")[:classes], 0, 8)

    def ask(records=None):
        return run_battery(group, 60, 19, Stream(0, ("test",)), 90, records)

    whole = ask()
    assert equal(ask(tmp_path), whole)
    for name in ("moment_test", "pivotal_test", "concentration_curve", "classifier_errors"):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("it was made again"))
    assert equal(ask(tmp_path), whole)
