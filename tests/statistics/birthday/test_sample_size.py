import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.result.values import Estimate
from didlearn.statistics.birthday.collisions import Collisions, effective_support
from didlearn.statistics.birthday.sample_size import compare_support, samples_to_settle


def estimate(low, high):
    return Estimate(value=None, low=low, high=high, n=10, method="")


@pytest.mark.parametrize(
    ("generated", "real", "verdict"),
    [
        ((10, 20), (30, 40), "fail"),
        ((10, 31), (30, 40), "inconclusive"),
        ((20, 50), (30, 40), "pass"),
        ((50, None), (30, 40), "pass"),
        ((50, None), (30, None), "inconclusive"),
        ((10, 20), (30, None), "fail"),
    ],
)
def test_the_verdict(generated, real, verdict):
    assert compare_support(generated=estimate(*generated), real=estimate(*real), factor=2) == verdict


def uniform(support, samples):
    s = 1 / support
    return Collisions(s * samples * (samples - 1) / 2, s**2 * samples * (samples - 1) * (samples - 2), samples)


def verdict(generated, real, samples, rng, cluster_sizes, factor):
    found = []
    for law in (generated, real):
        seen = Collisions.from_clusters(cluster_sizes(law, samples, rng), samples)
        found.append(effective_support(seen.pairs, seen.triples, samples))
    return compare_support(generated=found[0], real=found[1], factor=factor)


def test_the_number_it_names_settles_about_half_the_time_and_thrice_it_nearly_always(cluster_sizes):
    rng = np.random.default_rng(0)
    n = samples_to_settle(generated=uniform(2000, 100), real=uniform(8000, 100), factor=1.5)
    laws = np.full(2000, 1 / 2000), np.full(8000, 1 / 8000)
    rate = [
        np.mean([verdict(*laws, m, rng, cluster_sizes, 1.5) == "fail" for _ in range(60)]) for m in (n // 3, n, 3 * n)
    ]
    assert rate[0] < 0.3 < rate[1] < 0.85 < rate[2]


def test_equal_supports_pass_with_a_factor_and_never_without():
    same = uniform(10_000, 500)
    n = samples_to_settle(generated=same, real=same, factor=2)
    assert 500 < n < 5000
    assert samples_to_settle(generated=same, real=same, factor=1.2) > n
    assert samples_to_settle(generated=same, real=same, factor=1, limit=10**7) is None


def test_no_collision_seen_still_has_a_plan():
    n = samples_to_settle(generated=Collisions(0, 0, 500), real=Collisions(0, 0, 500), factor=2)
    assert 1000 < n < 20_000


def test_a_settled_comparison_needs_no_more():
    assert samples_to_settle(generated=uniform(100, 1000), real=uniform(10_000, 1000), factor=2) == 1000


def test_too_few_real_images_cannot_be_made_up_for():
    real = uniform(10_000, 150)
    assert samples_to_settle(generated=uniform(10_000, 150), real=real, factor=2) < 5000
    found = samples_to_settle(generated=uniform(10_000, 150), real=real, factor=2, fixed_real=True, limit=10**6)
    assert found is None


def test_atoms_need_more_samples():
    atom = Collisions.from_clusters([50], 1000)
    plain = uniform(1 / atom.s2, 1000)
    real = uniform(1.3 / atom.s2, 1000)
    assert samples_to_settle(generated=atom, real=real, factor=1.1) > 2 * samples_to_settle(
        generated=plain, real=real, factor=1.1
    )


def test_a_factor_below_one_is_refused():
    with pytest.raises(UsageError, match="at least 1"):
        samples_to_settle(generated=uniform(10, 10), real=uniform(10, 10), factor=0.5)
