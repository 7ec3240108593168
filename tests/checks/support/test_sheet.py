"""The pairs put before a person: the right ones, each as likely as the next, and planted ones of known truth."""

import numpy as np
import pytest

import didlearn as dl
from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.checks.support import asked as module
from didlearn.checks.support.asked import SHEET, ask
from didlearn.checks.support.check import Support
from didlearn.checks.support.planted import PLANTED, plant_distinct, plant_duplicates
from didlearn.images.perturb import PERTURBATIONS
from didlearn.models.oracles import DiscreteGenerator


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
        monkeypatch.setattr(module, "LISTED", 20)
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
    assert len(set(zip(found.first.tolist(), found.second.tolist(), strict=True))) == SHEET
    assert (found.first < found.second).all()
    for stratum, radius in ((0, threshold), (1, outer)):
        degree = np.bincount(np.concatenate([i[distance <= radius], j[distance <= radius]]), minlength=len(x))
        chosen = found.stratum == stratum
        assert (found.links[chosen] == (degree[found.first] + degree[found.second] - 2)[chosen]).all()


def test_every_pair_of_a_stratum_is_as_likely(way):
    x, threshold = clustered(90, seed=1), 0.2
    distance, i, j = all_pairs(x.astype(np.float64))
    pairs = {(int(a), int(b)): 0 for a, b, d in zip(i, j, distance, strict=True) if d <= threshold}
    assert len(pairs) > 44
    trials = 150
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
    assert found.sizes.tolist() == [7, SHEET - 7]
    assert found.distance == pytest.approx(np.sort(distance)[:SHEET])


@pytest.mark.parametrize("count", [2, 5])
def test_tiny_samples_have_few_pairs(count):
    found = asked_of(np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32), 0.1)
    assert found.sizes.tolist() == [0, count * (count - 1) // 2]
    assert len(found.first) == found.sizes[1]


def test_one_picture_alone_has_one_stratum(monkeypatch):
    monkeypatch.setattr(module, "LISTED", 20)
    found = asked_of(np.zeros((80, 3), np.float32), 0.1)
    assert found.sizes.tolist() == [80 * 79 // 2, 0]
    assert len(found.first) == 40


def flat(images):
    return (np.asarray(images, np.float32) / 255).reshape(len(images), -1)


@pytest.fixture(scope="module")
def digits():
    return dl.open_images("digits")


def test_planted_duplicates_are_pictures_and_their_changed_copies(digits):
    found = plant_duplicates(digits, flat, np.random.default_rng(0))
    assert found.pictures.shape == (PLANTED, 2, 1, 8, 8)
    kinds = [
        [name for name, change in PERTURBATIONS.items() if np.array_equal(change(a[None])[0], b)]
        for a, b in found.pictures
    ]
    assert all(kinds)
    assert {name for names in kinds for name in names} == set(PERTURBATIONS)
    gap = flat(found.pictures[:, 0]) - flat(found.pictures[:, 1])
    assert found.distance == pytest.approx(np.linalg.norm(gap, axis=1), abs=1e-6)


def test_planted_distinct_pairs_match_the_candidates_and_keep_off_real_duplicates(digits):
    features = flat(digits.read_raw(range(len(digits))))
    targets = np.linspace(0.6, 1.2, 30)
    found = plant_distinct(digits, features, targets, 0.7, np.random.default_rng(0), "cpu")
    assert len(found.distance) == PLANTED
    assert found.distance.min() > 0.7
    wanted = np.quantile(targets, (np.arange(PLANTED) + 0.5) / PLANTED)
    assert np.abs(np.sort(found.distance) - np.maximum(wanted, 0.7)).max() < 0.12
    flat_pictures = found.pictures.reshape(2 * PLANTED, -1)
    assert len(np.unique(flat_pictures, axis=0)) == 2 * PLANTED


def sheet(generator, **arguments):
    found = dl.audit(generator=generator, checks=[Support(samples=400)], threads=1, **arguments)["support"]
    return {name: array for name, array in found.arrays.items() if name.startswith("sheet_")}


def test_the_check_keeps_a_sheet_that_depends_on_the_seed_alone():
    points = np.random.default_rng(0).random((300, 1, 8, 8)).astype(np.float32)
    generator = DiscreteGenerator(points, sigma=0.004)
    a = sheet(generator, train="digits")
    again = sheet(generator, train="digits", batch_size=32)
    other = sheet(generator, train="digits", seed=1)
    assert set(a) == set(again)
    assert all(np.array_equal(a[name], again[name]) for name in a)
    assert not np.array_equal(a["sheet_pictures"], other["sheet_pictures"])
    assert np.unique(a["sheet_truth"], return_counts=True)[1].tolist() == [SHEET, PLANTED, PLANTED]
    assert a["sheet_pictures"].shape == (SHEET + 2 * PLANTED, 2, 8, 8)
    assert a["sheet_pictures"].dtype == np.uint8
    same = a["sheet_truth"] == -1
    assert (a["sheet_samples"][same] >= 0).all()
    assert (a["sheet_samples"][~same] == -1).all()


def test_without_real_images_there_is_nothing_to_plant():
    points = np.random.default_rng(0).random((300, 1, 8, 8)).astype(np.float32)
    assert sheet(DiscreteGenerator(points, sigma=0.004)) == {}


def test_a_pair_on_the_edge_that_is_not_met_again_does_not_hang():
    x, counted = np.array([[0.0], [1.0]], np.float32), np.array([2, 2])
    for radius, met in ((1.0, 1), (0.9, 0)):
        assert len(module._sample(x, counted, (-1.0, radius), 2, np.random.default_rng(0))[0]) == met
