import numpy as np
import pytest

from didlearn.statistics.birthday.unseen import chao1, richness

TWO = np.r_[np.full(1000, 0.5 / 1000), np.full(10_000, 0.5 / 10_000)]
ATOM = np.r_[0.05, np.full(10_000, 0.95 / 10_000)]
UNIFORM = np.full(10_000, 1e-4)


def drawn(law, samples, trials, cluster_sizes, estimator, seed=0):
    rng = np.random.default_rng(seed)
    return [estimator(cluster_sizes(law, samples, rng), samples) for _ in range(trials)]


# Mean and standard deviation over samples, measured once with another implementation.
@pytest.mark.parametrize(
    ("law", "samples", "truth", "sd"),
    [
        (UNIFORM, 3000, 10_000, 594),
        (np.full(10**5, 1e-5), 2000, 10**5, 17_601),
        (TWO, 5000, 11_000, 1356),
        (ATOM, 3000, 10_001, 777),
    ],
)
def test_richness_on_known_laws(law, samples, truth, sd, cluster_sizes):
    found = drawn(law, samples, 8, cluster_sizes, richness)
    values = np.array([e.value for e in found])
    assert (np.abs(values - truth) < 3 * sd).all()
    assert values.mean() == pytest.approx(truth, abs=1.5 * sd)
    assert values.std() < 2 * sd


# P(3 or more misses of 12 at 95 %) = 2 %, P(6 or more of 50) = 4 %.
@pytest.mark.parametrize(("trials", "misses"), [(12, 2), pytest.param(50, 5, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("law", "samples"), [(UNIFORM, 3000), (TWO, 5000), (ATOM, 3000), (np.full(2000, 1 / 2000), 500)]
)
def test_richness_intervals_cover(law, samples, trials, misses, cluster_sizes, covered):
    found = drawn(law, samples, trials, cluster_sizes, richness, seed=1)
    assert covered(found, len(law)) * trials >= trials - misses
    # The low end must say more than the count of what was seen.
    seen = drawn(law, samples, 1, cluster_sizes, lambda sizes, _: len(sizes), seed=1)[0]
    assert np.median([e.low for e in found]) > 1.15 * seen


def test_the_low_end_holds_even_where_the_rare_images_are_out_of_sight(laws, cluster_sizes):
    found = drawn(laws["Zipf 1 50000"], 3000, 10, cluster_sizes, richness)
    assert all(e.low < e.value < 50_000 for e in found)


@pytest.mark.slow
def test_richness_intervals_cover_where_no_image_is_far_rarer_than_the_rest(laws, cluster_sizes, covered):
    missed = {}
    for name in ("uniform 2000", "uniform 50000", "5 % atom 10000", "two levels 10000", "two steep levels 2000"):
        for samples in (3000, 20_000):
            found = drawn(laws[name], samples, 100, cluster_sizes, richness, seed=2)
            missed[name, samples] = covered(found, len(laws[name]))
    assert min(missed.values()) >= 0.92, missed


def test_chao1_by_hand():
    found = chao1([2, 2, 3], 12)
    # 5 singletons, 2 doubletons: 8 + 11/12 · 5·4/(2·3)
    assert found.value == pytest.approx(8 + 11 / 12 * 20 / 6)
    assert 8 <= found.low < found.value < found.high


def test_chao1_is_right_for_equal_images_and_low_for_others(cluster_sizes, covered):
    assert covered(drawn(UNIFORM, 3000, 200, cluster_sizes, chao1), 10_000) >= 0.92
    two = drawn(TWO, 5000, 20, cluster_sizes, chao1)
    assert np.mean([e.value for e in two]) == pytest.approx(7646, abs=3 * 241)
    assert all(e.high < 11_000 for e in two)


def test_chao1_of_a_complete_sample_may_be_complete(covered, cluster_sizes):
    assert covered(drawn(np.full(200, 1 / 200), 2000, 300, cluster_sizes, chao1), 200) >= 0.95


@pytest.mark.parametrize("estimator", [chao1, richness])
def test_nothing_seen_twice_is_open_above(estimator):
    found = estimator([], 500)
    assert found.value is None
    assert found.high is None
    assert found.low == 500


@pytest.mark.parametrize("sizes", [[1000], [100] * 10, [500, 499], [43], [2]])
def test_odd_samples_have_an_answer(sizes):
    found = richness(sizes, 1000)
    assert found.low <= found.value
    assert found.high is None or found.value <= found.high


def test_richness_is_a_function_of_its_arguments(cluster_sizes):
    sizes = cluster_sizes(UNIFORM, 3000, np.random.default_rng(0))
    assert richness(sizes, 3000) == richness(np.random.default_rng(1).permutation(sizes[sizes > 1]), 3000)
