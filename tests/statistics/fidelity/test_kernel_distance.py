"""The kernel distance: its value, its error and its exchange test.

Mistakes seen: the diagonal counted (a biased estimate), a block's pairs counted once or three times, an error that
forgets one of the samples, exchanges drawn with replacement.
"""

import numpy as np
import pytest
from scipy.stats import kstest

import didlearn as dl
from didlearn.errors import DataError, UsageError
from didlearn.statistics.fidelity import kernel_distance as module
from didlearn.statistics.fidelity.kernel_distance import kernel_distance, kernel_test


def fixed_pair():
    g = np.random.RandomState(0)
    real = g.normal(size=(1000, 64))
    return {"real": real, "generated": g.normal(size=(1000, 64)) * 0.95 + 0.1}


def influence(**pair):
    return kernel_test(**pair, rng=np.random.default_rng(0), permutations=1).distance


def kernel_pvalue(**options):
    return kernel_test(**options).pvalue


def brute(real, generated):
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(real), len(generated)
    own, other = kernel(real, real), kernel(generated, generated)
    within = (own.sum() - np.trace(own)) / (n * (n - 1)) + (other.sum() - np.trace(other)) / (m * (m - 1))
    return within - 2 * kernel(real, generated).mean()


def test_the_peers_number_on_a_fixed_pair():
    found = dl.kernel_distance(**fixed_pair())
    assert isinstance(found, float)
    assert found == pytest.approx(0.0391050, abs=5e-8)
    assert found == pytest.approx(brute(**fixed_pair()), rel=1e-12)


@pytest.mark.parametrize("rows", [1, 7, 64, 500])
def test_blocks_make_no_difference(rows, monkeypatch):
    rng = np.random.default_rng(0)
    pair = {"real": rng.normal(size=(150, 5)), "generated": rng.normal(size=(131, 5)) + 0.2}
    monkeypatch.setattr(module, "KERNEL_ROWS", rows)
    assert kernel_distance(**pair) == pytest.approx(brute(**pair), rel=1e-11)
    assert kernel_pvalue(**pair, rng=np.random.default_rng(0), permutations=99) == 0.01


def test_without_bias_and_symmetric():
    rng = np.random.default_rng(1)
    found = [kernel_distance(real=rng.normal(size=(20, 6)), generated=rng.normal(size=(30, 6))) for _ in range(800)]
    assert abs(np.mean(found)) < 3.5 * np.std(found) / np.sqrt(len(found))
    assert min(found) < 0
    pair = fixed_pair()
    swapped = kernel_distance(real=pair["generated"], generated=pair["real"])
    assert swapped == pytest.approx(kernel_distance(**pair), rel=1e-12)


def test_influences_are_those_of_leaving_each_image_out():
    rng = np.random.default_rng(2)
    real, generated = rng.normal(size=(12, 4)), rng.normal(size=(9, 4)) + 1
    found = influence(real=real, generated=generated)
    assert found.value == pytest.approx(brute(real, generated), rel=1e-12)
    for mine, rows, build in (
        (found.real, real, lambda r: brute(r, generated)),
        (found.generated, generated, lambda r: brute(real, r)),
    ):
        left = np.array([build(np.delete(rows, i, axis=0)) for i in range(len(rows))])
        assert mine == pytest.approx((len(rows) - 1) * (left.mean() - left), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("shift", "least"), [(0.0, 0.93), (0.3, 0.91)])
def test_intervals_cover(shift, least):
    truth = 0.0
    if shift:
        rng = np.random.default_rng(99)
        truth = kernel_distance(real=rng.normal(size=(6000, 8)), generated=rng.normal(size=(6000, 8)) + shift)
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        pair = {"real": rng.normal(size=(60, 8)), "generated": rng.normal(size=(90, 8)) + shift}
        interval = influence(**pair).estimate(0.95, "")
        covered += interval.low <= truth <= interval.high
    assert covered / 300 >= least
    assert shift == 0 or covered / 300 <= 0.99


def test_differences_of_scores_with_common_real_images_cover():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        real, own, other = rng.normal(size=(3, 100, 6)) + np.array([0, 0.7, 0.7])[:, None, None]
        gap = influence(real=real, generated=own).less(influence(real=real, generated=other), 0.95, "")
        covered += gap.low <= 0 <= gap.high
    assert 0.91 <= covered / 200 <= 0.99


def test_p_values_are_uniform_under_the_null_and_small_beyond():
    null = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        pair = {"real": rng.normal(size=(40, 5)), "generated": rng.normal(size=(25, 5))}
        null.append(kernel_pvalue(**pair, rng=rng, permutations=99))
    assert kstest(null, "uniform").pvalue > 0.005
    assert kernel_pvalue(**fixed_pair(), rng=np.random.default_rng(0)) == 1 / 500
    same = np.repeat(np.eye(2), 5, axis=0)
    assert kernel_pvalue(real=same, generated=same[::-1], rng=np.random.default_rng(0)) == 1


def test_what_is_refused():
    rows = np.zeros((5, 3))
    with pytest.raises(TypeError):
        kernel_distance(rows, rows)  # type: ignore[call-arg]
    with pytest.raises(DataError, match="generated holds 1 row; give at least 2"):
        kernel_distance(real=rows, generated=rows[:1])
    with pytest.raises(DataError, match="give at least 3"):
        kernel_test(real=rows, generated=rows[:2], rng=np.random.default_rng(0))
    with pytest.raises(UsageError, match="at least one permutation, got 0"):
        kernel_test(real=rows, generated=rows, rng=np.random.default_rng(0), permutations=0)
    with pytest.raises(DataError, match="all real rows are alike"):
        kernel_test(real=rows, generated=rows, rng=np.random.default_rng(0))
