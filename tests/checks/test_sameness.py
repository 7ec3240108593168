"""The criterion of sameness against distances worked out by hand."""

import math

import numpy as np
import pytest

from didlearn.checks import sameness as module
from didlearn.checks.sameness import (
    Criterion,
    calibrate_duplicates,
    lookalike_distances,
    perturbed_distances,
    same_distance,
    same_picture,
)
from didlearn.statistics.threshold import LowerTail

NONE = np.zeros(0)
SQUARE = LowerTail(distance=1.0, count=100, exponent=2.0, trials=10_000)  # rate t²/100


def flat(images):
    return images.reshape(len(images), -1) / np.float32(255)


def ramps(count, size=8):
    """Pictures that rise to the right by one grey level a pixel, each from its own level."""
    levels = np.arange(count)[:, None, None, None] + np.zeros((1, 1, size, 1)) + np.arange(size)
    return (100 + levels).astype(np.uint8)


def cloud(count, seed=0, dimension=3):
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def calibrated(real, pixels=None, **options):
    pictures = ramps(20) if pixels is None else pixels
    return calibrate_duplicates(pictures, flat(pictures), real, flat, **options)


def with_tail(threshold, real=NONE, tail=SQUARE, perturbed=None):
    return Criterion(threshold, "b", {}, perturbed or {}, tail, 142, np.asarray(real, float), given=False)


def test_perturbed_distances_of_ramps():
    """A shift moves 7 of 8 columns by one level; 5 % more of 100 to 107 is 5 levels everywhere."""
    found = perturbed_distances(ramps(1), flat(ramps(1)), flat)
    assert found["shift by a pixel"] == pytest.approx([math.sqrt(7 * 8) / 255], rel=1e-5)
    assert found["5 % brighter"] == pytest.approx([math.sqrt(64) * 5 / 255], rel=1e-5)
    assert len(found) == 3


def test_perturbed_distances_ascend():
    pictures = np.full((3, 1, 4, 4), 0, np.uint8) + np.array([200, 20, 100], np.uint8)[:, None, None, None]
    found = perturbed_distances(pictures, flat(pictures), flat)["5 % brighter"]
    assert found == pytest.approx(np.array([1, 5, 10]) * 4 / 255, rel=1e-5)


def test_one_picture_is_the_median_of_the_mildest_change():
    assert same_picture({"mild": np.array([1.0, 2.0, 9.0]), "strong": np.array([3.0, 4.0, 5.0])}) == 2.0


def changes(*largest):
    """Distances 0, 1 %, …, 100 % of each largest: its quantiles are what they say."""
    return {f"kind {i}": np.linspace(0, top, 101) for i, top in enumerate(largest)}


@pytest.mark.parametrize(
    ("perturbed", "lookalikes", "distance", "words"),
    [
        (changes(1.0, 0.2), {"1e6": 2.0, "1e5": 3.0}, 0.95, "kind 0"),  # 95 % of the widest change
        ({"kind 0": np.ones(5)}, {"1e6": 1.0}, 1.0, "kind 0"),  # as far as look-alikes: just told apart
        (changes(1.0, 0.2), {"1e6": 0.5}, 0.19, "kind 1"),  # the widest reaches among look-alikes
        (changes(1.0, 0.2), {"1e6": 0.15}, 0.1, "mildest"),  # both do: half of the mildest
        (changes(1.0, 0.2), {"1e6": 0.05}, 0.05, "one in a million"),  # even that is too far
        (changes(1.0, 0.2), {}, 0.1, "mildest"),
    ],
)
def test_a_change_counts_where_its_copies_are_told_from_lookalikes(perturbed, lookalikes, distance, words):
    found, because = same_distance(perturbed, lookalikes)
    assert found == pytest.approx(distance)
    assert words in because


def ranked(points, rank):
    """The distance of the pair of that rank, from 1, among all pairs."""
    gaps = np.linalg.norm(points[:, None].astype(float) - points, axis=2)
    return np.sort(gaps[np.triu_indices(len(points), 1)])[rank - 1]


def test_lookalike_distances_are_order_statistics_of_real_pairs(monkeypatch):
    """Of 100 points 4 950 pairs: 1 % are the 50 closest, 10 % of the first 64 the 202 closest."""
    monkeypatch.setattr(module, "LOOKALIKES", {"rare": 0.01, "often": 0.1})
    monkeypatch.setattr(module, "_RANK", 200)
    real = cloud(100)
    found = lookalike_distances(real, None, "cpu")
    assert found["rare"] == pytest.approx(ranked(real, 50))
    assert found["often"] == pytest.approx(ranked(real[:64], 202))


def test_shares_are_what_their_names_say():
    assert {name: float(f"1e-{name[-1]}") for name in ("1e6", "1e5", "1e4")} == module.LOOKALIKES


def test_as_many_real_images_are_looked_at_as_hold_four_hundred_pairs(monkeypatch):
    """A half of the pairs of 40 images are 390 (of 41, 410); the other share is a little less, and takes 41."""
    monkeypatch.setattr(module, "LOOKALIKES", {"half": 0.5, "less": 800 / 1600.5})
    real = cloud(100, seed=1)
    found = lookalike_distances(real, None, "cpu")
    assert found["half"] == pytest.approx(ranked(real[:40], 390))
    assert found["less"] == pytest.approx(ranked(real[:41], math.ceil(800 / 1600.5 * 820)))
    assert found["less"] != found["half"]


def test_twenty_pairs_are_the_fewest_that_a_distance_is_read_from(monkeypatch):
    monkeypatch.setattr(module, "LOOKALIKES", {"few": 19 / 4950 - 1e-9, "enough": 20 / 4950 - 1e-9})
    real = cloud(100)
    found = lookalike_distances(real, SQUARE, "cpu")
    assert found["few"] == pytest.approx(SQUARE.distance_at(19 / 4950 - 1e-9))
    assert found["enough"] == pytest.approx(ranked(real, 20))


def test_a_real_set_too_small_for_a_share_leaves_it_to_its_tail(monkeypatch):
    monkeypatch.setattr(module, "LOOKALIKES", {"rare": 1e-3, "often": 0.01})
    real = cloud(100)  # 4 950 pairs: 5 of the rare share, fewer than 20
    found = lookalike_distances(real, SQUARE, "cpu")
    assert found["rare"] == pytest.approx(SQUARE.distance_at(1e-3))
    assert found["often"] > 0
    assert "rare" not in lookalike_distances(real, None, "cpu")
    assert lookalike_distances(real[:0], None, "cpu") == {}


def test_the_distances_do_not_depend_on_the_samples():
    """They are chosen before any sample is looked at, from real images alone."""
    first, again = calibrated(cloud(400)), calibrated(cloud(400))
    assert (first.threshold, first.lookalikes) == (again.threshold, again.lookalikes)
    assert list(first.lookalikes.values()) == sorted(first.lookalikes.values())
    assert all(distance > first.threshold for distance in first.lookalikes.values())


def test_the_tail_is_that_of_the_closest_real_pairs():
    real = cloud(100)
    found = calibrated(real)
    apart = np.sort(np.linalg.norm(real[:, None].astype(float) - real, axis=2)[np.triu_indices(100, 1)])
    assert found.real == pytest.approx(apart[:1000])
    assert found.distinct == 100
    assert found.tail.trials == 100 * 99 // 2


def test_one_of_each_real_picture_counts():
    """Copies nearer than a mild change, here a third of the set, are one picture with their original."""
    real, noise = cloud(100), np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8)).astype(np.uint8)
    copies = real[:50] + np.float32(1e-4)
    found = calibrated(np.concatenate([real, copies]), pixels=noise)
    assert 1e-3 < same_picture(found.perturbed) < 0.15
    assert found.distinct == 100
    assert found.real[0] == pytest.approx(calibrated(real).real[0])


LINE = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)


@pytest.mark.parametrize(
    ("real", "same", "kept"),
    [
        (LINE, 0.2, [0, 5]),  # half is left: enough
        (LINE, 6.0, [0, 0.1, 5, 5.1]),  # a quarter is left: such distances mean nothing here
        (np.append(LINE, [[5.05]], axis=0).astype(np.float32), 0.2, [0, 0.1, 5, 5.1, 5.05]),  # and so is two of five
        (np.repeat(LINE[:1], 3, axis=0), 0.2, [0]),  # copies to the bit are one picture however many
    ],
)
def test_what_is_kept_of_real_pictures_that_are_near(real, same, kept):
    assert module._one_of_each(real, same, "cpu").ravel() == pytest.approx(kept)


def test_only_lookalikes_beyond_the_same_picture_are_kept(monkeypatch):
    monkeypatch.setattr(module, "lookalike_distances", lambda *_: {"within": 0.5, "at": 1.0, "beyond": 2.0})
    assert calibrated(cloud(50), threshold=1.0).lookalikes == {"beyond": 2.0}


def test_of_one_real_image_there_is_no_pair():
    assert calibrated(flat(ramps(1))).real.tolist() == []


def test_without_real_images_a_mildly_changed_copy_decides():
    for real, distinct, pairs in ((None, 0, 0), (cloud(1), 1, 0), (cloud(2), 2, 1)):
        found = calibrated(real)
        assert (found.tail, found.lookalikes, found.distinct, len(found.real)) == (None, {}, distinct, pairs)
        assert found.threshold == same_picture(found.perturbed)
    three = calibrated(cloud(3))
    assert (three.tail, three.lookalikes, three.distinct, len(three.real)) == (None, {}, 3, 3)


def test_a_given_threshold_is_taken_and_its_errors_are_measured():
    found = calibrated(cloud(400), threshold=0.25)
    assert (found.threshold, found.given, found.because) == (0.25, True, "it was given")
    assert found.tail is not None


def test_sensitivity_is_the_share_of_changes_within_the_threshold():
    criterion = with_tail(2.0, perturbed={"a": np.array([1.0, 2.0, 3.0, 4.0]), "b": np.array([5.0, 6.0])})
    found = criterion.sensitivity(0.9)
    assert {kind: share.value for kind, share in found.items()} == {"a": 0.5, "b": 0.0}
    assert found["b"].high == pytest.approx(1 - 0.05 ** (1 / 2))  # Clopper and Pearson: none of two
    assert found["a"].n == 4


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_rate_of_false_duplicates_is_the_fit_and_its_interval_the_count(level):
    """None of 10 000 pairs seen: high = 1 − ((1 − level)/2)^(1/10 000)."""
    found = with_tail(0.1, real=[0.2, 0.3]).false_duplicate_rate(level)
    assert found.value == pytest.approx(1e-4)
    assert found.low == 0
    assert found.high == pytest.approx(1 - ((1 - level) / 2) ** 1e-4)
    assert (found.level, found.n) == (level, 142)
    assert "0 seen" in found.method


def test_the_interval_holds_the_fit():
    """A pair at the threshold counts as seen; fits above and below the interval of the count widen it."""
    below = with_tail(0.01, real=[0.001, 0.01, 0.2]).false_duplicate_rate(0.95)
    assert below.low == below.value == pytest.approx(1e-6)
    assert "2 seen" in below.method
    above = with_tail(1.0, real=[2.0]).false_duplicate_rate(0.95)
    assert above.high == above.value == pytest.approx(0.01)
    assert with_tail(1.0, tail=None).false_duplicate_rate(0.95) is None
