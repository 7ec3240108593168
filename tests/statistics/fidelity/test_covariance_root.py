"""The root of a product of covariances, by eigenvalues: against its closed form, and where it is not to be believed.

Mistakes seen: one covariance in place of both, n in place of n − 1, a block of rows forgotten, a doubt that nearly
singular covariances do not raise.
"""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from didlearn.statistics.fidelity import covariance_root, frechet
from didlearn.statistics.fidelity.covariance_root import covariance, root_trace
from didlearn.statistics.fidelity.frechet import frechet_distance, frechet_from_moments


def normal(seed, rows, width, scale=1.0):
    return np.random.default_rng(seed).normal(size=(rows, width)) * scale


def traced(real, generated):
    return root_trace(covariance(real, real.mean(0)), covariance(generated, generated.mean(0)))


def test_the_traces_are_those_of_the_root_of_the_product():
    real, generated = normal(0, 90, 12) @ normal(1, 12, 12), normal(2, 70, 12) + 3
    sr, sg = np.cov(real.T), np.cov(generated.T)
    found = traced(real, generated)
    assert found.traces == pytest.approx(np.trace(sr) + np.trace(sg), rel=1e-13)
    assert found.root == pytest.approx(np.trace(sqrtm(sr @ sg)).real, rel=1e-11)
    assert found.doubt < 1e-10 * found.root


def test_blocks_of_rows_make_no_difference(monkeypatch):
    real, generated = normal(3, 205, 9), normal(4, 130, 9)
    whole = traced(real, generated)
    monkeypatch.setattr(covariance_root, "_ROWS", 50)
    assert traced(real, generated) == pytest.approx(whole, rel=1e-12)


def test_a_singular_covariance_has_no_root():
    assert traced(normal(5, 9, 20), normal(6, 40, 20)) is None


def test_the_doubt_is_no_less_than_the_error(monkeypatch):
    """Features whose scales fall off: the orthogonal reduction is the truth that the eigenvalues are held against."""
    scales = np.arange(1, 61) ** -3.0
    turn = np.linalg.qr(normal(7, 60, 60))[0]
    real, generated = normal(8, 400, 60, scales) @ turn, normal(9, 400, 60, 1.1 * scales) @ turn
    found = traced(real, generated)
    monkeypatch.setattr(frechet, "EIGENVALUES_FROM", 10**9)
    gap = real.mean(0) - generated.mean(0)
    truth = (gap @ gap + found.traces - frechet_distance(real=real, generated=generated)) / 2
    assert 0 < abs(found.root - truth) < found.doubt
    even = traced(normal(8, 400, 60), normal(9, 400, 60))
    assert found.doubt / found.traces > 1e4 * even.doubt / even.traces


@pytest.mark.parametrize(("power", "by_eigenvalues"), [(0.0, True), (3.0, False)])
def test_many_features_go_the_way_that_their_scales_allow(monkeypatch, power, by_eigenvalues):
    scales = np.arange(1, 141) ** -power
    real, generated = normal(10, 300, 140, scales), normal(11, 280, 140, 1.2 * scales)
    monkeypatch.setattr(frechet, "EIGENVALUES_FROM", 10**9)
    exact = frechet_distance(real=real, generated=generated)
    monkeypatch.undo()
    ways: list[int] = []

    def noted(rows):
        ways.append(len(rows))
        return REDUCE(rows)

    monkeypatch.setattr(frechet, "factor", noted)
    assert frechet_distance(real=real, generated=generated) == pytest.approx(exact, rel=1e-12)
    assert ways == ([] if by_eigenvalues else [300, 280])


def test_as_many_rows_as_features_are_reduced(monkeypatch):
    monkeypatch.setattr(frechet, "covariance", None)
    assert frechet_distance(real=normal(12, 140, 140), generated=normal(13, 200, 140)) > 0
    assert frechet_distance(real=normal(12, 200, 127), generated=normal(13, 200, 127)) > 0


@pytest.mark.parametrize(("power", "by_eigenvalues"), [(0.0, True), (4.0, False)])
def test_moments_go_the_same_way(monkeypatch, power, by_eigenvalues):
    scales = np.arange(1, 61) ** -power
    real, generated = normal(14, 300, 60, scales), normal(15, 280, 60, 1.2 * scales)
    names = ("real", real), ("generated", generated)
    given = {f"{name}_mean": rows.mean(0) for name, rows in names}
    given |= {f"{name}_covariance": np.cov(rows, rowvar=False) for name, rows in names}
    kept = {name: array.copy() for name, array in given.items()}
    exact = frechet_distance(real=real, generated=generated)
    if by_eigenvalues:
        monkeypatch.setattr(frechet, "_factor_of_moments", None)
    else:
        monkeypatch.setattr(frechet, "_HARMLESS", 0.0)
        monkeypatch.setattr(frechet, "_NOTHING", 0.0)
    assert frechet_from_moments(**given) == pytest.approx(exact, rel=1e-7)
    assert all(np.array_equal(given[name], kept[name]) for name in given)


REDUCE = frechet.factor
