import numpy as np
import pytest

from didlearn.errors import UsageError
from didlearn.statistics.birthday.collisions import Collisions, collision_interval
from didlearn.statistics.birthday.per_class import combine_classes


def test_supports_do_not_add_but_combine():
    # Ten equal classes of 100 equal images each are 1 000 equal images.
    classes = [Collisions(0.01 * 4950, 0.01**2 * 100 * 99 * 98, 100)] * 10
    assert combine_classes(classes, [1] * 10)["effective_support"].value == pytest.approx(1000)
    # Half the mass on 50 images, half on 5 000: 1/(¼/50 + ¼/5000).
    classes = [Collisions(s * 4950, s**2 * 100 * 99 * 98, 100) for s in (1 / 50, 1 / 5000)]
    assert combine_classes(classes, [3, 3])["effective_support"].value == pytest.approx(1 / (0.25 / 50 + 0.25 / 5000))


def test_one_class_keeps_its_interval():
    found = combine_classes([Collisions(30, 24, 500)], [7])["collision_probability"]
    assert (found.low, found.high) == collision_interval(30, 24, 500)


def test_without_collisions_it_is_a_bound():
    found = combine_classes([Collisions(0, 0, 100)] * 2, [1, 1])
    assert found["effective_support"].value is None
    assert found["effective_support"].high is None
    assert found["collision_probability"].high == pytest.approx(3.69 * 0.25 / 4950, rel=1e-3)


@pytest.mark.parametrize("kind", ["small", "mixed", "atom"])
def test_intervals_cover(kind, cluster_sizes, covered):
    rng = np.random.default_rng(0)
    laws = {
        "small": [np.full(1000, 1e-3)] * 10,
        "mixed": [np.full(k, 1 / k) for k in (50, 500, 5000, 50_000)],
        "atom": [np.r_[0.1, np.full(5000, 0.9 / 5000)], *[np.full(5000, 1 / 5000)] * 4],
    }[kind]
    weights = np.arange(1, len(laws) + 1) / np.arange(1, len(laws) + 1).sum()
    truth = float((weights**2 * [(p**2).sum() for p in laws]).sum())
    found = []
    for _ in range(200):
        classes = [Collisions.from_clusters(cluster_sizes(p, 300, rng), 300) for p in laws]
        found.append(combine_classes(classes, weights)["collision_probability"])
    assert covered(found, truth) >= 0.93


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, np.nan]])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(UsageError, match="one weight"):
        combine_classes([Collisions(1, 0, 10)] * 2, weights)
