"""The numbers of copying, on images placed by hand."""

import numpy as np
import pytest
from scipy import stats

from didlearn.alignment import Originals
from didlearn.audit.subject import Subject
from didlearn.checks.memorization.criterion import CopyCriterion
from didlearn.checks.memorization.disguised import Again, Disguised, Limit, LinedUp
from didlearn.checks.memorization.measure import (
    Celled,
    Everyone,
    Located,
    Pool,
    authenticities,
    changed_training,
    chosen_limit,
    copied_shares,
    count_copies,
    in_cells,
    locate,
    matches_in,
    measured_copying,
    pool_real,
    preferences,
)
from didlearn.checks.sameness import PERTURBED
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank
from didlearn.neighbors import Neighbors
from didlearn.rng import Stream
from didlearn.statistics.copying.excess import Matches, Rules
from tests.checks.features import Lookup, numbered


def located(features, distance, index):
    return Located(np.asarray(features, np.float32), Neighbors(np.asarray(distance, float), np.asarray(index)))


def subject(samples, heldout, train, **outside):
    """Images numbered through in this order, from 2; each lies on a line at the place given, as its only feature."""
    places = [samples, heldout, train, *outside.values()]
    starts = np.cumsum([2, *(len(place) for place in places)]).tolist()
    sets = [numbered(start, len(place), None) for start, place in zip(starts, places, strict=False)]
    table = np.concatenate([[0, 0], *places]).astype(np.float32)[:, None]
    others = dict(zip(outside, sets[3:], strict=True))
    return Subject(Bank(sets[0]), heldout=sets[1], train=sets[2], outside=others, embedding=Lookup(table))


# Who is how near to the training set


def test_everyone_is_located_among_the_training_images():
    """Training images at 0, 10 and 20; the samples of a bank come in an order of their own."""
    found = subject([1, 12, 19], [10, 24], [0, 10, 20], near=[5.5, 18], far=[99, 21, 0])
    everyone = locate(found, found.heldout, 3)
    own = everyone.own
    assert sorted(zip(own.features[:, 0], own.near.distance, own.near.index, strict=True)) == [
        (1, 1, 0), (12, 2, 1), (19, 1, 2),
    ]  # fmt: skip
    assert everyone.real.near.distance.tolist() == [0, 4]
    assert everyone.real.near.index.tolist() == [1, 2]
    assert everyone.real.features[:, 0].tolist() == [10, 24]
    assert {name: group.near.distance.tolist() for name, group in everyone.outside.items()} == {
        "near": [4.5, 2],
        "far": [79, 1, 0],
    }
    assert locate(found, found.heldout, 2).outside["far"].near.index.tolist() == [2, 2]


def test_the_first_of_a_group():
    group = located([[0], [1], [2]], [3, 4, 5], [6, 7, 8]).first(2)
    assert (group.features.ravel().tolist(), group.near.distance.tolist(), group.near.index.tolist()) == (
        [0, 1],
        [3, 4],
        [6, 7],
    )


@pytest.mark.parametrize(("count", "changed"), [(30, 30), (PERTURBED + 5, PERTURBED)])
def test_training_images_are_changed(count, changed):
    """All grey 100, and 105 after 5 % of brightness: 4 of 4 pixels move by 5/255."""
    grey = open_images(np.full((count, 1, 2, 2), 100, np.uint8))
    found = changed_training(Subject(Bank(grey), train=grey), Stream(0))
    assert found["5 % brighter"] == pytest.approx(np.full(changed, 2 * 5 / 255), rel=1e-4)
    assert found["shift by a pixel"] == pytest.approx(np.zeros(changed))


# Copies


def criterion(certain, threshold):
    return CopyCriterion(certain=certain, threshold=threshold, because="why", independent=5)


def shares(own, real, certain, threshold, level=0.95):
    rule = criterion(certain, threshold)
    return copied_shares(count_copies(np.array(own), np.array(real), rule, None, honest=True), rule, level)


def test_copies_are_counted_by_three_rules():
    """Of ten samples four lie within .5, two within .1 and one at 0; of five held-out images one lies within .5."""
    own, real = np.array([0.0, 0.1, 0.3, 0.5, 0.6, 1, 2, 3, 4, 5]), np.array([0.5, 0.7, 1, 2, 3.0])
    copies = count_copies(own, real, criterion(0.1, 0.5), None, honest=True)
    exact = Matches(1, 10, 0, 5)
    assert copies == (Rules.one(Matches(4, 10, 1, 5)), Rules.one(Matches(2, 10, 0, 5)), exact, None)


def lined_up(misfits, pictures):
    """Pictures, their misfits, and maps that leave everything where it is."""
    misfits, still = np.array(misfits, float), np.eye(2, 3, dtype=np.float32)
    pixels = np.repeat(np.array(pictures, np.uint8), 64).reshape(-1, 1, 8, 8)
    found = Originals(misfits, misfits, np.zeros(len(misfits), int), np.tile(still, (len(misfits), 1, 1)))
    return LinedUp(pixels, found)


def in_disguise(own, real):
    """Samples of misfits and grey values given, held-out images too; the only training image is of value 100."""
    train = open_images(np.full((30, 1, 8, 8), 100, np.uint8))
    planted, again = lined_up([0.0] * 10, [100] * 10), lined_up([1.0] * 20, [100] * 20)
    return Disguised(train, lined_up(*own), lined_up(*real), planted, Again(again, np.arange(20), 30))


def test_what_lost_nothing_once_lined_up_is_certain():
    """Three of six samples, and one of four held-out images, are the training image to the last bit."""
    found = in_disguise(([0, 0, 0, 0, 1, 1], [100, 100, 100, 90, 100, 90]), ([0, 1, 1, 1], [100] * 4))
    copies = count_copies(np.ones(6), np.ones(4), criterion(0.1, 0.5), found, honest=True)
    assert copies.certain.rules[1] == (Matches(3, 6, 1, 4), 1.0)
    assert len(copies.certain.rules) == 2


def test_what_lines_up_is_counted_only_by_honest_held_out_images():
    found = in_disguise(([0] * 50 + [1] * 50, [90] * 100), ([1] * 80, [90] * 80))
    copies = {honest: count_copies(np.ones(100), np.ones(80), criterion(0.1, 0.5), found, honest=honest)
              for honest in (True, False)}  # fmt: skip
    assert copies[False].within == Rules.one(Matches(0, 100, 0, 80))
    assert copies[False].hidden is None
    assert len(copies[True].within.rules) == 1 + len(found.usable)
    assert copies[True].within.rules[1:] == copies[True].hidden.rules
    assert copies[True].within.fraction(0.95).value == pytest.approx(0.5, abs=0.01)


def test_the_limit_chosen_is_the_rule_that_shows_most():
    """Samples that line up with misfits of .03 are within .04; within .08 a fifth of held-out images is too."""
    near, far = np.zeros(100), np.ones(100)
    found = in_disguise(([0.03] * 50 + [1] * 50, [90] * 100), ([0.06] * 16 + [1] * 64, [90] * 80))
    disguised = count_copies(far, np.ones(80), criterion(0.1, 0.5), found, honest=True)
    assert chosen_limit(disguised, found, 0.95) == Limit(0.04)
    assert {Limit(0.02), Limit(0.08)} < set(found.usable)
    plain = count_copies(near, np.ones(80), criterion(0.1, 0.5), found, honest=True)
    assert chosen_limit(plain, found, 0.95) is None
    assert chosen_limit(plain, None, 0.95) is None


def test_the_shares_are_those_of_the_counts():
    found = shares([0.0, 0.1, 0.3, 0.5, 0.6, 1, 2, 3, 4, 5], [0.5, 0.7, 1, 2, 3.0], 0.1, 0.5, 0.9)
    assert found["copied_fraction"].value == pytest.approx(1 - (6 / 10) / (4 / 5))
    assert found["copied_fraction"].n == 10
    assert found["copied_fraction_heldout"].value == pytest.approx(1 / 5)
    assert found["copied_fraction_heldout"].high == pytest.approx(stats.beta.ppf(0.95, 2, 4))
    assert found["certain_copies"].value == pytest.approx(2 / 10)
    assert found["exact_copies"].value == pytest.approx(1 / 10)
    assert found["copy_threshold"].value == 0.5
    assert {estimate.level for estimate in found.values()} == {0.9}


def test_nothing_beyond_the_threshold_is_certain():
    """A threshold given by hand may lie below the mildest change."""
    found = shares([0.1, 0.6, 0.7, 2.0], [1.0, 2.0], 0.9, 0.5)
    assert found["certain_copies"] == found["copied_fraction"]


def test_where_every_held_out_image_matches_there_is_no_fraction():
    found = shares([0.2, 1.0], [1.0, 2.0], 0.1, 9.0)["copied_fraction"]
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


# The data-copying test


def two_towns(count, sample_places=(0.0, 100.0)):
    """Training images in two towns a hundred apart, and samples and held-out images beside them."""
    rng = np.random.default_rng(0)
    towns = [place + rng.normal(0, 0.01, count // 2) for place in (0.0, 100.0)]
    samples = np.repeat(sample_places, 25)
    return subject(samples, np.array([0.0, 0.0, 100.0]), np.concatenate(towns))


def test_images_fall_into_the_cells_of_the_training_set():
    found = two_towns(100)
    everyone = locate(found, found.heldout, 100)
    own, real = in_cells(found, everyone, 100, 2, Stream(0))
    assert own.cell.dtype == real.cell.dtype == np.int64
    assert np.unique(own.cell).tolist() == [0, 1]
    near = everyone.own.features[:, 0] < 50
    assert len(set(own.cell[near])) == len(set(own.cell[~near])) == 1
    assert real.cell.tolist() == [own.cell[near][0], own.cell[near][0], own.cell[~near][0]]
    assert own.distance.tolist() == everyone.own.near.distance.tolist()
    assert real.distance.tolist() == everyone.real.near.distance.tolist()


@pytest.mark.parametrize(
    ("train", "most", "cells"), [(100, 20, 2), (98, 20, 1), (10, 20, 1), (200, 3, 3), (200, 20, 4)]
)
def test_a_cell_holds_fifty_training_images(train, most, cells):
    """Samples lie all over: as many cells as there are have some."""
    spread = np.linspace(0, 1, 200)
    found = subject(spread, spread[:5], np.linspace(0, 1, train))
    own, _ = in_cells(found, locate(found, found.heldout, 200), 200, most, Stream(0))
    assert len(np.unique(own.cell)) == cells


def test_so_many_training_images_make_the_cells():
    """Of 200 training images only 100 are asked for: two cells."""
    spread = np.linspace(0, 1, 200)
    found = subject(spread, spread[:5], spread)
    own, _ = in_cells(found, locate(found, found.heldout, 200), 100, 20, Stream(0))
    assert len(np.unique(own.cell)) == 2


def celled(distance, cell):
    return Celled(np.asarray(distance, float), np.asarray(cell))


def test_nearer_samples_are_copying():
    """30 samples, all nearer than 20 held-out images: Z = −√(12·m·n/4(m+n+1)) = −√(3·600/51)."""
    found = measured_copying(celled(np.arange(30), [0] * 30), celled(100 + np.arange(20), [0] * 20), 0.9)
    z = -np.sqrt(3 * 30 * 20 / 51)
    assert found.estimates["data_copying"].value == pytest.approx(z)
    assert found.estimates["data_copying_pvalue"].value == pytest.approx(stats.norm.cdf(z))
    assert found.estimates["closer_than_heldout"].value == 1
    assert {(estimate.level, estimate.n) for estimate in found.estimates.values()} == {(0.9, 50)}
    assert "over 1 cells" in found.estimates["data_copying"].method
    assert [(cell.generated, cell.heldout) for cell in found.cells] == [(30, 20)]


def test_farther_samples_are_not():
    found = measured_copying(celled(100 + np.arange(30), [0] * 30), celled(np.arange(20), [0] * 20), 0.95)
    assert found.estimates["data_copying"].value == pytest.approx(np.sqrt(3 * 30 * 20 / 51))
    assert found.estimates["closer_than_heldout"].value == 0


def test_the_interval_holds_the_statistic():
    rng = np.random.default_rng(0)
    own, real = celled(rng.random(60), np.arange(60) % 2), celled(rng.random(50), np.arange(50) % 2)
    statistic = measured_copying(own, real, 0.95).estimates["data_copying"]
    assert statistic.low < statistic.value < statistic.high
    wide = measured_copying(own, real, 0.99).estimates["data_copying"]
    assert wide.low < statistic.low < statistic.high < wide.high


def test_cells_with_enough_of_both_count_and_the_others_are_listed():
    """One cell of 30 and 25; in another there are 30 samples and 19 held-out images, one too few."""
    own = celled(np.arange(60), [0] * 30 + [1] * 30)
    real = celled(100 + np.arange(44), [0] * 25 + [1] * 19)
    found = measured_copying(own, real, 0.95)
    assert [(c.cell, c.generated, c.heldout, c.z is None) for c in found.cells] == [
        (0, 30, 25, False),
        (1, 30, 19, True),
    ]
    assert found.estimates["data_copying"].value == pytest.approx(-np.sqrt(3 * 30 * 25 / 56))
    assert "over 1 cells" in found.estimates["data_copying"].method


def test_where_no_cell_has_enough_all_are_one():
    own, real = celled(np.arange(40), np.arange(40) % 4), celled(100 + np.arange(30), np.arange(30) % 4)
    found = measured_copying(own, real, 0.95)
    assert [(c.cell, c.generated, c.heldout) for c in found.cells] == [(0, 40, 30)]
    assert found.estimates["data_copying"].value == pytest.approx(-np.sqrt(3 * 40 * 30 / 71))


def test_with_too_few_images_nothing_is_tested():
    """The mistake this sees: a p-value of 0 where none was computed."""
    found = measured_copying(celled(np.arange(19), [0] * 19), celled(np.arange(30), [0] * 30), 0.95)
    assert found.estimates == {}
    assert found.cells == ()


# Training images or held-out ones


def test_the_pool_holds_the_nearest_of_both_kinds():
    """Three training and two held-out images."""
    own = located([[0.0], [5.0], [9.0], [2.0]], [1.0, 3.0, 4.0, 1.25], [0, 2, 1, 2])
    real = located([[4.5], [0.5]], [0, 0], [0, 0])
    pool = pool_real(own, real, 3, Stream(0), "cpu")
    assert pool.distance.tolist() == [0.5, 0.5, 4.0, 1.25]
    assert pool.nearest.tolist() == [4, 3, 1, 2]
    assert pool.trained.tolist() == [True, True, True, False, False]


def test_of_images_equally_near_chance_decides_by_the_sizes_of_both_sides():
    """The mistake this sees: pictures that recur on both sides counted for the training set alone."""
    own, real = located(np.zeros((2_000, 1)), np.zeros(2_000), np.zeros(2_000, int)), located([[0.0]], [0], [0])
    trained = pool_real(own, real, 3, Stream(0), "cpu").nearest < 3
    assert trained.mean() == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 2_000))


def test_the_share_of_samples_that_prefer_training_images():
    """Six of eight; of the four within .5 all do. Three of five images of the pool were trained on."""
    pool = Pool(
        np.array([0.1, 0.2, 0.5, 0.3, 1, 2, 3, 4.0]),
        np.array([0, 1, 2, 0, 1, 2, 3, 4]),
        np.array([True, True, True, False, False]),
    )
    found = preferences(pool, matches_in(pool, 0.5), Stream(0), 0.9)
    assert found["training_preference_expected"].value == pytest.approx(3 / 5)
    assert found["training_preference"].value == pytest.approx(6 / 8)
    assert found["match_preference"].value == 1
    assert [found[f"{name}_preference"].n for name in ("training", "match")] == [8, 4]
    assert [found[f"{name}_preference_pvalue"].n for name in ("training", "match")] == [8, 4]
    assert {estimate.level for estimate in found.values()} == {0.9}


def test_the_pvalue_is_the_chance_of_such_labels():
    """Three images hit, all trained on, of three among six: 1 of 20 ways, 1 999 times exchanged."""
    pool = Pool(np.zeros(30), np.arange(30) % 3, np.arange(6) < 3)
    found = preferences(pool, matches_in(pool, 1.0), Stream(0), 0.95)["training_preference_pvalue"]
    assert found.value == pytest.approx(1 / 20, abs=4 * np.sqrt(0.05 * 0.95 / 1999))


def test_without_matches_there_is_no_preference_among_them():
    pool = Pool(np.array([1.0, 2.0]), np.array([0, 1]), np.array([True, False]))
    assert set(preferences(pool, matches_in(pool, 0.5), Stream(0), 0.95)) == {
        "training_preference_expected", "training_preference", "training_preference_pvalue",
    }  # fmt: skip


# Authenticity


def test_a_sample_nearer_than_the_training_images_own_neighbour_is_no_ones_own():
    """Training images at 0, 1, 10 and 14. At 0.5 and 13 samples are within the neighbours' distances 1 and 4;
    at 3 a sample is farther from 1 (2) than 0 is (1). Held-out images at 20 (6 > 4) and 10 (0)."""
    found = subject([0.5, 3, 13], [20, 10], [0, 1, 10, 14])
    shares = authenticities(found, locate(found, found.heldout, 3), 0.9)
    assert shares["authenticity"].value == pytest.approx(1 / 3)
    assert shares["authenticity_heldout"].value == pytest.approx(1 / 2)
    assert shares["copied_by_authenticity"].value == pytest.approx(1 - (1 / 3) / (1 / 2))
    assert [shares[name].n for name in ("authenticity", "authenticity_heldout")] == [3, 2]
    assert {estimate.level for estimate in shares.values()} == {0.9}


def test_equal_distances_are_no_ones_own():
    """A sample as far from 0 as 0's neighbour, and a copy of an image that the training set holds twice."""
    found = subject([-1, 5], [9], [0, 1, 5, 5])
    assert authenticities(found, locate(found, found.heldout, 2), 0.95)["authenticity"].value == 0


def test_the_first_two_thousand_of_each_kind_are_looked_at():
    many = np.linspace(0, 1, 2_100)
    group = located(many[:, None], np.ones(2_100), np.zeros(2_100, int))
    few = located([[0.0]], [1.0], [0])
    found = subject([0.0], [0.0], [0, 1])
    assert authenticities(found, Everyone(group, few, {}), 0.95)["authenticity"].n == 2_000
    assert authenticities(found, Everyone(few, group, {}), 0.95)["authenticity_heldout"].n == 2_000
