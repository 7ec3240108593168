import math

import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.collisions import (
    Collisions,
    collision_interval,
    collision_probability,
    collision_variance,
    effective_support,
    estimated_variance,
    inflation,
)

# Laws by which the interval is calibrated by default; the slow test takes all of them.
SOME = ["uniform 10000", "5 % atom 2000", "10 % atom 50000", "two levels 2000", "Zipf 0.5 10000", "Zipf 1 50000"]


def support(sizes, samples):
    seen = Collisions.from_clusters(sizes, samples)
    return effective_support(seen.pairs, seen.triples, samples)


def test_counts_from_clusters_and_from_degrees_agree():
    sizes = [4, 3, 2, 1, 1]
    degrees = [3] * 4 + [2] * 3 + [1] * 2 + [0] * 2
    assert Collisions.from_clusters(sizes, 11) == Collisions(10, 30, 11)
    assert Collisions.from_degrees(degrees) == Collisions(10, 30, 11)
    assert Collisions.from_clusters([4, 3, 2], 11) == Collisions(10, 30, 11)


def test_estimates_are_unbiased_and_so_is_their_variance():
    rng = np.random.default_rng(0)
    law, M = np.array([0.4, 0.3, 0.2, 0.05, 0.05]), 12
    s2, s3 = (law**2).sum(), (law**3).sum()
    n = rng.multinomial(M, law, size=40_000).astype(float)
    pairs, triples = (n * (n - 1)).sum(1) / 2, (n * (n - 1) * (n - 2)).sum(1)
    seen = [Collisions(p, t, M) for p, t in zip(pairs, triples, strict=True)]
    assert np.mean([c.s2 for c in seen]) == pytest.approx(s2, rel=0.01)
    assert np.mean([c.s3 for c in seen]) == pytest.approx(s3, rel=0.02)
    truth = collision_variance(s2, s3, M)
    assert np.var([c.s2 for c in seen]) == pytest.approx(truth, rel=0.05)
    assert np.mean(estimated_variance(pairs, triples, M)) == pytest.approx(truth, rel=0.05)


def test_the_variance_estimate_stays_unbiased_for_a_relation_that_is_not_transitive():
    rng = np.random.default_rng(1)
    M = 30
    found, variances = [], []
    for _ in range(4000):
        x = rng.random(M)
        near = np.abs(x[:, None] - x) < 0.1
        seen = Collisions.from_degrees(near.sum(1) - 1)
        found.append(seen.s2)
        variances.append(estimated_variance(seen.pairs, seen.triples, M))
    assert np.mean(variances) == pytest.approx(np.var(found), rel=0.1)


def test_no_pair_is_a_one_sided_bound():
    found = effective_support(0, 0, 1000)
    assert found.value is None
    assert found.high is None
    assert found.low == pytest.approx(499_500 / 3.6889, rel=1e-4)
    assert found.unit == "images"


@pytest.mark.parametrize("samples", [20_000, 1_000_000, 10_000_000])
def test_a_thousand_pairs_of_many_samples_have_an_interval(samples):
    """The mistake this sees: a low end above the high one, for exactly so many pairs (see ``beta_quantile``)."""
    near = [collision_probability(pairs, 0, samples) for pairs in (999, 1_000, 1_001)]
    for part in ("low", "value", "high"):
        assert getattr(near[1], part) == pytest.approx((getattr(near[0], part) + getattr(near[2], part)) / 2, rel=1e-5)
    assert near[1].low < near[1].value < near[1].high


def test_a_constant_law_has_one_image():
    found = support([1000], 1000)
    assert found.value == 1
    assert found.low == 1
    assert 1 < found.high < 1.01


@pytest.mark.parametrize(("sizes", "samples"), [([2], 2), ([], 2), ([3], 3), ([2], 3), ([2], 4)])
def test_the_smallest_samples_have_intervals(sizes, samples):
    found = support(sizes, samples)
    assert found.low >= 1
    if found.value is not None:
        assert found.low <= found.value <= found.high


def test_two_samples_that_agree_say_little():
    assert support([2], 2).high > 20


def test_without_overdispersion_the_interval_is_garwoods():
    from scipy import stats

    low, high = collision_interval(20, 0, 20_000)
    tail = 0.025 * 0.75
    garwood = np.array([stats.chi2.ppf(tail, 40), stats.chi2.ppf(1 - tail, 42)]) / 2 / (20_000 * 19_999 / 2)
    assert (low, high) == pytest.approx(tuple(garwood), rel=1e-3)
    assert inflation(20, 0, 20_000) == 1


@pytest.mark.parametrize(("atom", "samples"), [(45, 900), (12, 500), (300, 3_000)])
def test_at_the_high_end_the_inflation_is_that_of_the_high_end(atom, samples):
    """φ − 1 grows like √s₂: the end is the beta quantile at m = (pairs of draws)/(1 + (φ − 1)√(high/ŝ₂))."""
    from scipy import stats

    seen = Collisions.from_clusters([atom], samples)
    _, high = collision_interval(seen.pairs, seen.triples, samples)
    excess = inflation(seen.pairs, seen.triples, samples) - 1
    m = samples * (samples - 1) / 2 / (1 + excess * math.sqrt(high / seen.s2))
    assert m > samples / 2
    expected = stats.beta.ppf(1 - 0.025 * 0.75, seen.s2 * m + 1, m - seen.s2 * m)
    assert high == pytest.approx(expected, rel=1e-7)


def test_an_atom_widens_the_interval():
    atom = Collisions.from_clusters([45], 900)
    pairs = Collisions.from_clusters([2] * 450, 900)
    atom_low, atom_high = collision_interval(atom.pairs, atom.triples, 900)
    low, high = collision_interval(atom.pairs, 0, 900)
    assert atom_high / atom_low > 2 * high / low
    assert inflation(atom.pairs, atom.triples, 900) > 50
    assert inflation(pairs.pairs, pairs.triples, 900) == 1


def test_the_interval_is_the_papers_for_many_collisions():
    # The 5 % atom among 10^6 others: phi as of papers' formula.
    seen = Collisions.from_clusters([150] + [2] * 4, 3000)
    M, P = 3000, 3000 * 2999 / 2
    variance = P**2 * collision_variance(seen.s2, seen.s3, M)
    assert inflation(seen.pairs, seen.triples, M) == pytest.approx(variance / seen.pairs, rel=0.05)


def test_a_higher_level_is_wider():
    narrow, wide = collision_interval(30, 20, 1000, 0.8), collision_interval(30, 20, 1000, 0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_ten_thousand_images_within_a_tenth(cluster_sizes):
    rng = np.random.default_rng(3)
    law = np.full(10_000, 1e-4)
    for _ in range(10):
        found = support(cluster_sizes(law, 20_000, rng), 20_000)
        assert found.value == pytest.approx(10_000, rel=0.1)
        assert found.high / found.low < 1.1


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("samples", [500, 3000])
def test_intervals_cover(name, samples, laws, cluster_sizes, covered):
    rng, law = np.random.default_rng(5), laws[name]
    found = [support(cluster_sizes(law, samples, rng), samples) for _ in range(300)]
    assert covered(found, 1 / (law**2).sum()) >= 0.93


def test_draws_poor_in_an_atom_do_not_miss_on_the_high_side(laws, cluster_sizes):
    rng, law = np.random.default_rng(9), laws["5 % atom 2000"]
    low_ends = [support(cluster_sizes(law, 500, rng), 500).low for _ in range(2000)]
    assert np.mean(np.array(low_ends) > 1 / (law**2).sum()) <= 0.022


@pytest.mark.slow
@pytest.mark.parametrize("samples", [500, 2000, 5000, 20_000])
def test_intervals_cover_every_law(samples, laws, cluster_sizes, covered):
    rng, missed = np.random.default_rng(6), {}
    for name, law in laws.items():
        found = [support(cluster_sizes(law, samples, rng), samples) for _ in range(600)]
        share = covered(found, 1 / (law**2).sum())
        if share < 0.93:
            missed[name] = share
    assert not missed


@pytest.mark.parametrize("modes", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("samples", [5, 50, 500])
def test_intervals_cover_collapsed_laws(modes, samples, cluster_sizes, covered):
    rng, law = np.random.default_rng(7), np.full(modes, 1 / modes)
    found = [support(cluster_sizes(law, samples, rng), samples) for _ in range(200)]
    assert covered(found, modes) >= 0.93


def test_intervals_cover_an_almost_constant_law(cluster_sizes, covered):
    rng, law = np.random.default_rng(8), np.r_[0.99, np.full(1000, 1e-5)]
    found = [support(cluster_sizes(law, 300, rng), 300) for _ in range(300)]
    assert covered(found, 1 / (law**2).sum()) >= 0.93


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 0, 1), "two samples"),
        ((4, 0, 3), "between 0 and 3"),
        ((1, 7, 3), "at most 6"),
        ((math.nan, 0, 9), "got nan"),
    ],
)
def test_impossible_counts_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        collision_probability(*arguments)
