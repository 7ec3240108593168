import numpy as np
import pytest
from scipy.stats import binom

from didlearn.studies.memorizing_bigan.codes import hsic_pvalue, probe_accuracy


def test_independent_codes_have_uniform_pvalues():
    pvalues = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pvalues.append(hsic_pvalue(rng.normal(size=(60, 5)), rng.normal(size=(60, 2)), rng, permutations=99)[1])
    assert sum(p <= 0.05 for p in pvalues) <= binom.ppf(0.999, 60, 0.05)
    assert sum(p <= 0.5 for p in pvalues) >= binom.ppf(0.001, 60, 0.5)
    assert min(pvalues) >= 0.01


@pytest.mark.parametrize("code", [lambda x: x[:, :2], lambda x: x[:, :1] ** 2], ids=["linear", "uncorrelated"])
def test_a_code_made_from_the_image_is_detected(code):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(200, 3))
    hsic, p = hsic_pvalue(images, code(images), rng, permutations=199)
    assert p == 1 / 200
    assert hsic > 0


def test_hsic_is_its_formula():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(7, 2)), rng.normal(size=(7, 1))

    def kernel(a):
        squares = np.array([[((p - q) ** 2).sum() for q in a] for p in a])
        return np.exp(-squares / np.median(squares[np.triu_indices(7, 1)]))

    H = np.eye(7) - 1 / 7
    assert hsic_pvalue(x, y, rng, 3)[0] == pytest.approx(np.trace(kernel(x) @ H @ kernel(y) @ H) / 49)


def test_the_probe_is_at_chance_on_noise_and_right_on_the_label():
    rng = np.random.default_rng(2)
    labels = rng.integers(10, size=3000)
    noise = probe_accuracy(rng.normal(size=(3000, 4)), labels, 1500)
    assert noise.low < 0.1 < noise.high + 0.02
    assert noise.value < 0.14
    assert noise.n == 1500
    told = probe_accuracy(np.eye(10)[labels][:, :9] + 0.01 * rng.normal(size=(3000, 9)), labels, 1500)
    assert told.low > 0.98


def test_the_probe_is_not_tested_on_what_it_was_fitted_on():
    rng = np.random.default_rng(3)
    # Each image its own direction: what is fitted is remembered entirely, what is tested cannot be known.
    found = probe_accuracy(rng.normal(size=(200, 300)), rng.integers(2, size=200), 100)
    assert found.high < 0.75
