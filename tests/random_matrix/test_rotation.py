"""Rotated samples keep the moments exactly, and frames have the law they should."""

import numpy as np
import pytest
from scipy.stats import kstest

from didlearn.errors import UsageError
from didlearn.random_matrix import fit_rotations
from didlearn.random_matrix.rotation import frame, wishart


@pytest.mark.parametrize(("n", "p"), [(50, 8), (9, 30)])
def test_all_rows_together_keep_mean_and_scatter(n, p):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(n, p)) * np.arange(1, p + 1) + 3, rng.normal(size=(n, p)) - 5])
    labels = np.repeat([0, 1], n)
    drawn, known = fit_rotations(x, labels).draw([n, n], rng)
    for label in range(2):
        ours, theirs = drawn[known == label], x[labels == label]
        assert np.allclose(ours.mean(0), theirs.mean(0))
        assert np.allclose(np.cov(ours.T), np.cov(theirs.T))
        assert not np.allclose(ours, theirs)


@pytest.mark.parametrize(("first", "rows"), [(3, 40), (30, 40), (40, 40)])
def test_a_part_of_a_frame_has_the_law_of_a_whole_one(first, rows):
    """An entry of a frame orthogonal to the constants has variance (1 − 1/rows) / (rows − 1)."""
    rng = np.random.default_rng(0)
    parts = np.array([frame(first, rows, 5, rng)[0, 0] for _ in range(2000)])
    whole = np.array([_whole(rows, 5, rng)[0, 0] for _ in range(2000)])
    assert kstest(parts, whole).pvalue > 0.001
    assert parts.var() == pytest.approx((1 - 1 / rows) / (rows - 1), rel=0.15)


def _whole(rows, rank, rng):
    g = rng.normal(size=(rows, rank))
    return np.linalg.qr(g - g.mean(0))[0] * np.sign(rng.normal(size=rank))


@pytest.mark.parametrize("freedom", [3, 5, 40])
def test_wishart_matrices_have_their_mean_and_rank(freedom):
    rng = np.random.default_rng(0)
    drawn = [wishart(freedom, 5, rng) for _ in range(2000)]
    assert np.allclose(np.mean(drawn, axis=0) / freedom, np.eye(5), atol=0.1)
    assert np.linalg.matrix_rank(drawn[0]) == min(freedom, 5)
    traces = np.array([np.trace(one) for one in drawn])
    assert traces.var() == pytest.approx(2 * 5 * freedom, rel=0.15)


def test_more_rows_than_there_are_cannot_be_drawn():
    x = np.random.default_rng(0).normal(size=(10, 3))
    with pytest.raises(UsageError, match="no more"):
        fit_rotations(x).draw([11], np.random.default_rng(0))


@pytest.mark.parametrize(("first", "rows", "rank"), [(4, 30, 7), (4, 8, 7), (6, 9, 8)])
def test_fewer_rows_than_columns_have_the_same_law(first, rows, rank):
    """By rows, as by columns: a sum over rows sees the constants, the first row's length the freedom that is left."""
    rng = np.random.default_rng(0)
    parts = np.array([frame(first, rows, rank, rng) for _ in range(1500)])
    whole = np.array([_whole(rows, rank, rng)[:first] for _ in range(1500)])
    for number in (lambda u: (u.sum(1) ** 2).sum(1), lambda u: (u[:, 0] ** 2).sum(1), lambda u: u[:, 1, 2]):
        ours, theirs = (np.round(number(u), 9) for u in (parts, whole))  # a sum may be one constant, but for rounding
        assert kstest(ours, theirs).pvalue > 0.001
    crossed = np.einsum("bij,bkj->bik", parts, parts)
    assert np.linalg.eigvalsh(crossed).max() <= 1 + 1e-9
