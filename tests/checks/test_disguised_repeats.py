"""Clusters that are one picture in disguise are joined, and nothing else is."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import didlearn as dl
from didlearn.alignment.planes import Planes, grey_planes
from didlearn.alignment.repeats import pair_misfits
from didlearn.checks.disguised_repeats import _random_pairs, counted, join_disguised, misfit_of_the_same
from didlearn.checks.duplicate_counts import count_duplicates
from didlearn.images.disguises import compressed, mirrored, moved
from tests.alignment.pictures import scenes


def in_disguise(pictures, count, seed):
    """Draw pictures, each as it is, mirrored, moved by a pixel or compressed."""
    rng = np.random.default_rng(seed)
    drawn = pictures[rng.integers(len(pictures), size=count)]
    kinds = rng.integers(4, size=count)
    for kind, change in enumerate((mirrored, moved(1, 0), compressed(75)), start=1):
        drawn[kinds == kind] = change(drawn[kinds == kind], rng)
    return drawn


def test_a_cluster_counts_all_its_pairs():
    found = counted(np.array([0, 1, 0, 3, 0, 3]))
    assert (found.samples, found.pairs, found.triples) == (6, 4, 6)
    assert found.degree.tolist() == [2, 0, 2, 1, 2, 1]
    assert found.following.tolist() == [2, 6, 4, 5, 6, 6]
    assert found.cluster_sizes.tolist() == [3, 2]


def test_random_pairs_are_of_two_members_of_one_group_each_as_likely():
    """Groups {0, 2, 4}, {3, 5} and {1}: four pairs."""
    first, second = _random_pairs(np.array([0, 1, 0, 2, 0, 2]), np.random.default_rng(0))
    pairs, times = np.unique(np.sort(np.stack([first, second], 1), 1), axis=0, return_counts=True)
    assert pairs.tolist() == [[0, 2], [0, 4], [2, 4], [3, 5]]
    assert times == pytest.approx(len(first) / 4, abs=4 * np.sqrt(len(first) * 3 / 16))


def test_pictures_in_disguise_are_one_each():
    drawn = in_disguise(scenes(40, seed=0), 600, seed=1)
    plain = count_duplicates(drawn.reshape(600, -1) / 255, 0.5)
    limit = misfit_of_the_same(scenes(100, seed=2), np.random.default_rng(0))
    joined = join_disguised(plain, Planes.of(drawn), limit, np.random.default_rng(0))
    assert len(joined.cluster_sizes) == pytest.approx(40, abs=2)
    assert joined.pairs > 2 * plain.pairs


def test_strangers_stay_apart():
    pictures = scenes(300, seed=0)
    plain = count_duplicates(pictures.reshape(300, -1) / 255, 0.5)
    assert join_disguised(plain, Planes.of(pictures), 0.008, np.random.default_rng(0)) is plain


def test_likeness_that_chains_joins_nothing():
    """Each picture a little changed from the one before: neighbours line up, and ends do not."""
    ends = scenes(2, seed=0).astype(float)
    steps = np.linspace(0, 1, 120)[:, None, None, None]
    chain = np.rint((1 - steps) * ends[0] + steps * ends[1]).astype(np.uint8)
    plain = count_duplicates(chain.reshape(120, -1) / 255, 1e-6)
    assert join_disguised(plain, Planes.of(chain), 0.008, np.random.default_rng(0)) is None


def faded(pictures, *steps):
    """Each picture on its way to a stranger, by so many steps."""
    strangers = scenes(len(pictures), seed=9).astype(float)
    return np.concatenate([np.rint(pictures + s * (strangers - pictures)).astype(np.uint8) for s in steps])


def test_a_picture_two_steps_away_is_the_same_and_no_chain():
    """Three of each: the middle one lines up with both others within the limit, and those with each other not."""
    drawn = faded(scenes(40, seed=0), -0.04, 0.0, 0.04)
    planes, first = grey_planes(drawn), np.arange(40)
    step = max(pair_misfits(planes, first + 40, first + k).max() for k in (0, 80))
    assert np.median(pair_misfits(planes, first, first + 80)) > step
    plain = count_duplicates(drawn.reshape(120, -1) / 255, 1e-6)
    joined = join_disguised(plain, Planes.kept(planes), step, np.random.default_rng(0))
    assert joined.cluster_sizes.tolist() == [3] * 40


@pytest.mark.parametrize("sides", [(4, 4), (4, 32), (32, 4)])
def test_small_pictures_have_no_misfit(sides):
    assert misfit_of_the_same(np.zeros((5, 1, *sides), np.uint8), np.random.default_rng(0)) is None


def test_the_misfit_is_that_of_compression_and_no_more_than_tells_strangers_apart():
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(scenes(100, seed=0), (0, 0, 2, 2))
    assert 0 < misfit_of_the_same(smooth, rng) < 0.008
    noise = rng.integers(256, size=(100, 3, 32, 32), dtype=np.uint8)
    assert misfit_of_the_same(noise, rng) == 0.008  # compressed noise is another picture


def test_all_but_one_picture_in_a_hundred_is_known_again():
    """The mistake this sees: one in twenty left out, which alone takes an effective support of 200 to 204."""
    smooth = gaussian_filter(scenes(200, seed=0), (0, 0, 1, 1))
    limit = misfit_of_the_same(smooth, np.random.default_rng(0))
    both = grey_planes(np.concatenate([smooth, compressed(75)(smooth, np.random.default_rng(0))]))
    known = pair_misfits(both, np.arange(200), np.arange(200, 400)) <= limit
    assert 0.98 <= known.mean() < 1


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_generator_of_200_pictures_in_disguise_has_a_support_of_200(seed):
    real = scenes(600, seed=10 + seed)
    generated = in_disguise(scenes(200, seed=20 + seed), 800, seed)
    check = dl.audit(train=real[:300], heldout=real[300:], generator=generated, checks=["support"], threads=1)[
        "support"
    ]
    support = check.estimates["effective_support"]
    assert support.low <= 200 <= support.high
    assert check.verdict == "fail"
