"""The Vendi score.

Mistakes seen: order ignored, rows not normalised, the Gram and the dual route apart, rounding counted as rank.
"""

import math
from typing import Any

import numpy as np
import pytest

import didlearn as dl
from didlearn.errors import DataError, UsageError
from didlearn.statistics.fidelity.vendi import vendi_influence, vendi_score


def fixed():
    g = np.random.RandomState(0)
    g.normal(size=(1000, 64))
    return g.normal(size=(1000, 64)) * 0.95 + 0.1


def test_the_peers_numbers():
    assert dl.vendi_score(fixed()) == pytest.approx(61.7330107, abs=5e-8)
    assert dl.vendi_score(fixed(), order=2) == pytest.approx(59.5816977, abs=5e-8)
    places = np.array([0, 0, 10, 10, 20, 20])
    similar = np.exp(-np.abs(places[:, None] - places))
    assert vendi_score(similar, kernel="precomputed") == pytest.approx(2.9999, abs=1e-4)
    close = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
    assert vendi_score(close, kernel="precomputed") == pytest.approx(2.1573, abs=5e-5)


@pytest.mark.parametrize("order", [0, 0.1, 1, 1 + 1e-9, 2, 7.5, 1000, math.inf])
def test_orthogonal_groups_are_counted(order):
    rows = np.repeat(np.eye(7, 40), 3, axis=0) * np.arange(1, 22)[:, None]
    assert vendi_score(rows, order) == pytest.approx(7, rel=1e-9)
    assert vendi_score(np.ones((9, 4)), order) == pytest.approx(1, rel=1e-9)
    assert vendi_score(np.eye(12), order) == pytest.approx(12, rel=1e-9)


def test_orders_have_their_closed_forms_and_fall():
    shares = np.array([0.5, 0.3, 0.2])
    rows = np.repeat(np.eye(3), [5, 3, 2], axis=0)
    for order in (0.5, 2, 3):
        assert vendi_score(rows, order) == pytest.approx((shares**order).sum() ** (1 / (1 - order)))
    assert vendi_score(rows) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert vendi_score(rows, math.inf) == pytest.approx(2)
    assert vendi_score(rows, 0) == pytest.approx(3)
    values = [vendi_score(fixed(), q) for q in (0, 0.5, 0.999, 1, 1.001, 2, 10, math.inf)]
    assert values == sorted(values, reverse=True)


def test_both_routes_agree():
    rows = np.random.default_rng(0).normal(size=(30, 12))
    wide = np.concatenate([rows, np.zeros((30, 50))], axis=1)
    for order in (0, 0.3, 1, 2):
        assert vendi_score(wide, order) == pytest.approx(vendi_score(rows, order), rel=1e-9)
    assert vendi_score(rows * 1e-200) == pytest.approx(vendi_score(rows), rel=1e-12)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert vendi_score(unit @ unit.T, kernel="precomputed") == pytest.approx(vendi_score(rows), rel=1e-9)


def test_rows_of_zeros_are_one_kind():
    assert vendi_score(np.zeros((5, 3))) == 1
    assert vendi_score([[0, 0], [0, 0], [1, 0], [2, 0]]) == pytest.approx(2)


@pytest.mark.parametrize("shape", [(200, 6), (40, 90)])
def test_influence_is_the_derivative(shape):
    rows = np.random.default_rng(1).normal(size=shape) + 0.3
    found = vendi_influence(rows)
    assert found.value == pytest.approx(vendi_score(rows))
    assert found.pull.sum() == pytest.approx(0, abs=1e-9)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def log_score(weights):
        values = np.linalg.svd(np.sqrt(weights)[:, None] * unit, compute_uv=False) ** 2
        return -(values * np.log(values)).sum()

    even, step = np.full(len(rows), 1 / len(rows)), 1e-6
    for i in (0, 7):
        toward = (1 - step) * even + step * np.eye(len(rows))[i]
        away = (1 + step) * even - step * np.eye(len(rows))[i]
        assert (log_score(toward) - log_score(away)) / (2 * step) == pytest.approx(found.pull[i], abs=1e-4)


def test_what_is_refused():
    for order in (-1, math.nan):
        with pytest.raises(UsageError, match="order of a Vendi score is 0 or more"):
            vendi_score(np.eye(3), order)
    with pytest.raises(UsageError, match="no kernel 'rbf'"):
        vendi_score(np.eye(3), kernel="rbf")
    with pytest.raises(DataError, match="x holds NaN"):
        vendi_score(np.full((3, 2), np.nan))
    cases: list[tuple[Any, str]] = [
        (np.ones((2, 3)), "symmetric"),
        (2 * np.eye(3), "1 on the diagonal"),
        ([[1, 2], [2, 1]], "eigenvalue -1 "),
    ]
    for bad, message in cases:
        with pytest.raises(DataError, match=message):
            vendi_score(bad, kernel="precomputed")
