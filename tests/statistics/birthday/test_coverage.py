import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.coverage import good_turing_coverage


def test_the_share_of_singletons_is_missing():
    found = good_turing_coverage([2, 2, 6], 20)
    assert found.value == pytest.approx(0.5)
    assert found.low < 0.5 < found.high


def test_the_ends_stay_open_where_they_must():
    assert good_turing_coverage([], 1000).value == 0
    assert 0.002 < good_turing_coverage([], 1000).high < 0.02
    constant = good_turing_coverage([1000], 1000)
    assert constant.value == constant.high == 1
    assert constant.low == pytest.approx(1 - 3.69e-3, abs=1e-4)


@pytest.mark.parametrize("name", ["uniform 2000", "uniform 50000", "5 % atom 2000", "two levels 2000", "Zipf 1 10000"])
@pytest.mark.parametrize("samples", [500, 20_000])
def test_intervals_cover_the_mass_seen(name, samples, laws):
    rng, law = np.random.default_rng(0), laws[name]
    cumulative, hits, trials = np.cumsum(law)[:-1], 0, 150
    for _ in range(trials):
        seen, sizes = np.unique(np.searchsorted(cumulative, rng.random(samples)), return_counts=True)
        found = good_turing_coverage(sizes, samples)
        hits += found.low - 1e-12 <= law[seen].sum() <= found.high + 1e-12
    assert hits / trials >= 0.9


def test_no_sample_is_refused():
    with pytest.raises(UsageError, match="at least one sample"):
        good_turing_coverage([], 0)
