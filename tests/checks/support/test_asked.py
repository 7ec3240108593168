"""The pairs put before a person: the right ones, and each as likely as the next."""

import numpy as np
import pytest

from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.checks.support import asked as module
from didlearn.checks.support.asked import MOST_ASKED, ask, listed_for
from didlearn.neighbors import closest_pairs


def all_pairs(x):
    i, j = np.triu_indices(len(x), 1)
    return np.linalg.norm(x[i] - x[j], axis=1), i, j


def clustered(count=300, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(40, 6))[rng.integers(0, 40, count)] + rng.normal(0, 0.05, (count, 6))).astype(np.float32)


def asked_of(x, threshold, seed=0):
    return ask(x, count_duplicates(x, threshold), threshold, np.random.default_rng(seed), "cpu")


@pytest.fixture(params=["listed", "sampled"])
def way(request, monkeypatch):
    """Both ways of choosing: from a list of all pairs, and by drawing where they are too many to list."""
    if request.param == "sampled":
        monkeypatch.setattr(module, "_LISTED_PAIRS", 20)
    return request.param


def test_strata_are_the_duplicates_and_about_as_many_next_closest(way):
    x, threshold = clustered(), 0.2
    found = asked_of(x, threshold)
    distance, i, j = all_pairs(x.astype(np.float64))
    inside = distance <= threshold
    assert found.sizes[0] == inside.sum() > 100
    assert 0.5 * found.sizes[0] <= found.sizes[1] <= 1.5 * found.sizes[0]
    assert (found.distance[found.stratum == 0] <= threshold).all()
    assert (found.distance[found.stratum == 1] > threshold).all()
    outer = np.sort(distance)[found.sizes.sum() - 1]
    assert found.distance.max() <= outer
    assert np.bincount(found.stratum).tolist() == [40, 20]
    own = np.linalg.norm(x[found.first].astype(np.float64) - x[found.second], axis=1)
    assert found.distance == pytest.approx(own)
    assert len(set(zip(found.first.tolist(), found.second.tolist(), strict=True))) == MOST_ASKED
    assert (found.first < found.second).all()
    for stratum, radius in ((0, threshold), (1, outer)):
        degree = np.bincount(np.concatenate([i[distance <= radius], j[distance <= radius]]), minlength=len(x))
        chosen = found.stratum == stratum
        assert (found.links[chosen] == (degree[found.first] + degree[found.second] - 2)[chosen]).all()


def test_closest_pairs_that_are_known_are_not_looked_for():
    x, threshold = clustered(), 0.2
    counts = count_duplicates(x, threshold)
    close = closest_pairs(x, k=listed_for(counts) + 100)
    found = ask(x, counts, threshold, np.random.default_rng(0), "cpu", close)
    assert all(np.array_equal(one, other) for one, other in zip(found, asked_of(x, threshold), strict=True))


@pytest.mark.parametrize("trials", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_every_pair_of_a_stratum_is_as_likely(way, trials):
    x, threshold = clustered(90, seed=1), 0.2
    distance, i, j = all_pairs(x.astype(np.float64))
    pairs = {(int(a), int(b)): 0 for a, b, d in zip(i, j, distance, strict=True) if d <= threshold}
    assert len(pairs) > 44
    for seed in range(trials):
        found = asked_of(x, threshold, seed)
        for pair in zip(
            found.first[found.stratum == 0].tolist(), found.second[found.stratum == 0].tolist(), strict=True
        ):
            pairs[pair] += 1
    share = 40 / len(pairs)
    seen = np.array(list(pairs.values())) / trials
    assert seen == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / trials))


def test_small_strata_are_shown_whole():
    x = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    distance = all_pairs(x.astype(np.float64))[0]
    found = asked_of(x, float(np.sort(distance)[6]))
    assert found.sizes.tolist() == [7, MOST_ASKED - 7]
    assert found.distance == pytest.approx(np.sort(distance)[:MOST_ASKED])


@pytest.mark.parametrize("count", [2, 5])
def test_tiny_samples_have_few_pairs(count):
    found = asked_of(np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32), 0.1)
    assert found.sizes.tolist() == [0, count * (count - 1) // 2]
    assert len(found.first) == found.sizes[1]


def test_one_picture_alone_has_one_stratum(monkeypatch):
    monkeypatch.setattr(module, "_LISTED_PAIRS", 20)
    found = asked_of(np.zeros((80, 3), np.float32), 0.1)
    assert found.sizes.tolist() == [80 * 79 // 2, 0]
    assert len(found.first) == 40


def test_a_line_of_four_points():
    """At 0, 1, 3 and 6: distances 1 and 2 are duplicates, then come 3 twice, 5 and 6."""
    found = asked_of(np.array([[0.0], [1.0], [3.0], [6.0]], np.float32), 2.0)
    assert found.sizes.tolist() == [2, 4]
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [
        (0, 1), (1, 2), (0, 2), (2, 3), (1, 3), (0, 3),
    ]  # fmt: skip
    assert found.distance.tolist() == [1, 2, 3, 3, 5, 6]
    assert found.stratum.tolist() == [0, 0, 1, 1, 1, 1]
    assert found.links.tolist() == [1, 1, 4, 4, 4, 4]  # 1 has two partners within 2; everyone three within 6


def test_a_pair_on_the_edge_that_is_not_met_again_does_not_hang():
    x, counted = np.array([[0.0], [1.0]], np.float32), np.array([2, 2])
    for radius, met in ((1.0, 1), (0.9, 0)):
        assert len(module._sample(x, counted, (-1.0, radius), 2, np.random.default_rng(0))[0]) == met
