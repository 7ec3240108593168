import numpy as np
import pytest
from scipy import stats

from didlearn.errors import UsageError
from didlearn.statistics.intervals import beta_quantile, bootstrap, clopper_pearson, difference, proportion


def test_clopper_pearson_on_known_values():
    assert clopper_pearson(43, 900) == pytest.approx((0.0348, 0.0638), abs=5e-5)
    assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025**0.1))
    assert clopper_pearson(10, 10) == pytest.approx((0.025**0.1, 1))
    assert clopper_pearson(0, 10, 0.95, "upper") == pytest.approx((0, 1 - 0.05**0.1))
    low, high = clopper_pearson(3, 10, 0.9, "lower")
    assert stats.binom.sf(2, 10, low) == pytest.approx(0.1)
    assert high == 1


@pytest.mark.parametrize("other", [1.0, 1e3, 1e5, 1e9, 5e11])
def test_the_quantile_of_a_beta_law_is_the_inverse_of_its_distribution(other):
    """The mistake this sees: of 1 000 exactly, beside a large parameter, scipy's inverse is off by several times."""
    known = np.array([1.0, 2.5, 999.0, 999.5, 1000.0, 1000.5, 1001.0, 4e4])
    for share in (0.00625, 0.025, 0.5, 0.975):
        low = beta_quantile(share, known, other)
        assert stats.beta.cdf(low, known, other) == pytest.approx(np.full(8, share), rel=1e-4)
        assert np.all(np.diff(low) > 0)
        assert beta_quantile(share, other, known) == pytest.approx(1 - beta_quantile(1 - share, known, other), rel=1e-9)


@pytest.mark.parametrize("p", [0.01, 0.2, 0.5])
def test_clopper_pearson_never_covers_less(p):
    n = 40
    k = np.arange(n + 1)
    ends = np.array([clopper_pearson(int(i), n) for i in k])
    inside = (ends[:, 0] <= p) & (p <= ends[:, 1])
    assert stats.binom.pmf(k, n, p)[inside].sum() >= 0.95


@pytest.mark.parametrize("method", ["wilson", "jeffreys"])
def test_approximate_intervals_cover_on_average(method):
    n = 60
    k = np.arange(n + 1)
    found = [proportion(int(i), n, method=method) for i in k]
    p = np.linspace(0.05, 0.95, 181)
    inside = np.array([(e.low <= p) & (p <= e.high) for e in found])
    coverage = (stats.binom.pmf(k[:, None], n, p) * inside).sum(0)
    assert coverage.mean() == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("method", ["clopper-pearson", "wilson", "jeffreys"])
def test_methods_are_mirror_images(method):
    few, many = proportion(3, 20, method=method), proportion(17, 20, method=method)
    assert few.low == pytest.approx(1 - many.high)
    assert proportion(0, 5, method=method).low == 0
    assert proportion(5, 5, method=method).high == 1


def test_difference_by_newcombe():
    # Newcombe (1998), 56/70 − 48/80, method 10.
    found = difference(56, 70, 48, 80)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_difference_covers(covered):
    rng = np.random.default_rng(0)
    found = [difference(rng.binomial(50, 0.3), 50, rng.binomial(80, 0.1), 80) for _ in range(600)]
    assert covered(found, 0.2) >= 0.93


@pytest.mark.parametrize("n", [8, 40])
def test_bootstrap_covers(n, covered):
    rng = np.random.default_rng(2)
    found = [bootstrap(rng.normal(size=n), np.mean, rng, replicates=300) for _ in range(300)]
    assert covered(found, 0) >= 0.92


def test_bootstrap_resamples_whole_units():
    units = np.repeat(np.random.default_rng(0).normal(size=(50, 1)), 3, axis=1)
    found = bootstrap(units, np.mean, np.random.default_rng(1))
    alone = bootstrap(units[:, 0], np.mean, np.random.default_rng(1))
    assert (found.value, found.low, found.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert found.n == 50


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(UsageError, match="got"):
        proportion(successes, trials)


def test_other_refusals():
    with pytest.raises(UsageError, match="strictly between 0 and 1"):
        clopper_pearson(1, 5, 95)
    with pytest.raises(UsageError, match="wald"):
        proportion(1, 5, method="wald")
    with pytest.raises(UsageError, match="at least two"):
        bootstrap(np.zeros(1), np.mean, np.random.default_rng(0))
