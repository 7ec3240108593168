"""Pairs of known truth: changed copies, and different pictures as far apart as the candidates."""

import numpy as np
import pytest

import didlearn as dl
from didlearn.checks.support import planted as module
from didlearn.checks.support.planted import PLANTED, _real_pairs, plant_distinct, plant_duplicates
from didlearn.images.perturb import PERTURBATIONS


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


@pytest.mark.parametrize(
    ("targets", "chosen"),
    [
        ([1.0], [1]),
        ([1.0, 1.0], [1, 2]),  # pair 0 shares image 1 with the pair taken first
        ([0.0], [0]),
        ([0.0, 1.0], [0, 2]),
        ([1.0, 1.0, 1.0], [1, 2]),  # nothing is left for the third
    ],
)
def test_the_pair_nearest_to_each_target_and_no_image_twice(targets, chosen):
    distance, first, second = np.array([0.9, 1.05, 1.2]), np.array([0, 1, 2]), np.array([1, 3, 4])
    assert module._nearest_to(np.array(targets), distance, first, second).tolist() == chosen


def test_each_pair_has_its_distance_however_many_are_measured_at_once():
    features = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    distance, first, second = _real_pairs(features, np.random.default_rng(1), "cpu")
    assert len(distance) > 5000
    wide = features.astype(np.float64)
    assert distance == pytest.approx(np.linalg.norm(wide[first] - wide[second], axis=1), rel=1e-6)
