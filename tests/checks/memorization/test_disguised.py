"""Copies in disguise through the check: planted shares are found, clean generators are not accused."""

from functools import cache

import numpy as np
import pytest

import didlearn as dl
from didlearn.alignment import Originals
from didlearn.alignment.motions import Motion
from didlearn.audit.subject import Subject
from didlearn.checks.memorization.disguised import LIMITS, Again, Disguised, Limit, LinedUp, look_up
from didlearn.images import open_images
from didlearn.images.disguises import DISGUISES, compressed, cropped, in_turn
from didlearn.rng import Stream
from tests.alignment.pictures import scenes

TRAIN, HELDOUT = scenes(300, seed=0), scenes(200, seed=1)
CLEAN = scenes(200, seed=2)


def audited(generated, **sets):
    return dl.audit(
        generator=generated, threads=1, checks=["memorization"], **{"train": TRAIN, "heldout": HELDOUT} | sets
    )["memorization"]


def planted(change, share, seed=0):
    rng = np.random.default_rng(seed)
    generated, count = CLEAN.copy(), round(share * len(CLEAN))
    generated[:count] = change(TRAIN[rng.permutation(len(TRAIN))[:count]], rng)
    return generated


@cache
def dressed(name, share):
    """So many of the samples are training images in a disguise."""
    return audited(planted(DISGUISES[name], share))


def half_mirrored():
    return dressed("mirrored", 0.5)


@pytest.mark.parametrize("name", ["mirrored", "turned by 10°", "noise of 25 levels", "mirrored, JPEG, cropped"])
@pytest.mark.parametrize("share", [pytest.param(0.5, marks=pytest.mark.slow), 0.1])
def test_the_share_of_copies_is_right_whatever_they_wear(name, share):
    check = dressed(name, share)
    found = check.estimates["copied_fraction"]
    assert found.low <= share <= found.high
    assert found.value == pytest.approx(share, abs=0.04)
    assert check.verdict == "fail"


def test_what_most_copies_wear_is_said():
    assert "in disguise (mirrored)" in half_mirrored().answer


def test_mirrored_copies_are_certain_and_compressed_ones_are_not():
    certain = dressed("mirrored", 0.1).estimates["certain_copies"]
    assert certain.low <= 0.1 <= certain.high
    assert audited(planted(in_turn(compressed(25), cropped(2)), 0.2)).estimates["certain_copies"].low == 0


def test_an_unseen_bank_is_not_accused():
    check = audited(CLEAN)
    found = check.estimates["copied_fraction"]
    assert check.verdict != "fail"
    assert found.low == 0 < found.high


def test_authenticity_parts_from_it_where_plain_distances_mislead():
    check = half_mirrored()
    assert check.estimates["copied_by_authenticity"].value < 0.1
    assert any("in disguise lies far from its original" in note for note in check.notes)
    exact = audited(planted(in_turn(), 0.5))
    assert exact.estimates["copied_by_authenticity"].low <= 0.5 <= exact.estimates["copied_by_authenticity"].high
    assert not any("Authenticity amounts" in note for note in exact.notes)


def test_the_page_shows_what_lines_up_and_by_which_limit():
    check = half_mirrored()
    table = next(table for table in check.tables if table.name == "aligned")
    assert 1 <= len(table.rows) <= len(LIMITS)
    for _, generated, heldout, disguised, *_ in table.rows:
        assert 0 <= heldout <= generated <= 1 >= disguised > 0
    gallery = next(gallery for gallery in check.galleries if gallery.name == "lined_up")
    assert all("mirrored" in row[1].caption for row in gallery.rows)
    assert len({row[1].caption.split(" · ")[0] for row in gallery.rows}) == len(gallery.rows)  # each original once


def test_small_pictures_go_without():
    tiny = np.random.default_rng(0).integers(256, size=(300, 1, 4, 4), dtype=np.uint8)
    check = audited(tiny[:80], train=tiny[80:200], heldout=tiny[200:])
    assert check.verdict != "error"
    assert all(gallery.name != "lined_up" for gallery in check.galleries)


def test_under_one_law_matches_prefer_no_side():
    """The mistake this sees: only samples that match a training image asked which real image they match."""
    rng = np.random.default_rng(0)
    prototypes = scenes(200, seed=3)
    drawn = prototypes[rng.integers(200, size=600)]
    check = audited(drawn[:200], train=drawn[200:400], heldout=drawn[400:])
    found = check.estimates["match_preference"]
    assert found.low <= check.estimates["training_preference_expected"].value <= found.high
    assert check.verdict != "fail"


def looked_up(most, heldout=90):
    real = open_images(TRAIN[:100, :, ::2, ::2])
    unseen = open_images(HELDOUT[:heldout, :, ::2, ::2])
    drawn = np.ascontiguousarray(CLEAN[:80, :, ::2, ::2])
    return drawn, look_up(Subject(None, train=real), drawn, unseen, most, Stream(0))


@pytest.mark.parametrize(("most", "counts"), [(30, (30, 30, 30)), (95, (80, 90, 95)), (500, (80, 90, 100))])
def test_as_many_of_each_are_looked_at_as_asked(most, counts):
    drawn, found = looked_up(most)
    assert (len(found.own.pixels), len(found.real.pixels), len(found.again.rows)) == counts
    assert np.array_equal(found.own.pixels, drawn[:most])
    assert len(found.heldout) == counts[1]
    assert len(np.unique(found.again.rows)) == counts[2]
    assert (found.again.lined.found.index != found.again.rows).all()  # among the others, never itself


def test_known_training_images_are_disguised_and_found_again():
    """At most 16 in each disguise, and no image in two."""
    _, found = looked_up(20)
    assert len(found.planted.pixels) == 100
    assert found.planted.within(Limit(0.08)).mean() > 0.7


def test_none_is_looked_for_where_none_is_asked():
    assert looked_up(0)[1] is None


def lined(misfits, rough, maps):
    still = np.eye(2, 3, dtype=np.float32)
    stretched = np.array([[1.5, 0, 0], [0, 1, 0]], np.float32)
    found = Originals(
        np.array(misfits, float), np.array(rough, float), np.zeros(len(misfits), int),
        np.stack([stretched if map_ else still for map_ in maps]),
    )  # fmt: skip
    return LinedUp(np.zeros((len(misfits), 1, 16, 16), np.uint8), found)


def test_limits_are_of_every_motion_and_of_blurred_pictures_too():
    kinds = [(limit.motion, limit.rough) for limit in LIMITS]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        (Motion.AFFINE, False): 6, (Motion.AFFINE, True): 3,
        (Motion.SIMILAR, False): 3, (Motion.CENTRED, False): 3, (Motion.STILL, False): 3,
    }  # fmt: skip
    assert len(set(LIMITS)) == len(LIMITS)


def test_a_limit_asks_for_its_misfit_its_blur_and_its_motion():
    group = lined([0.01, 0.03, 0.01, 0.9], [0.5, 0.001, 0.001, 0.01], [False, False, True, True])
    assert group.within(Limit(0.02)).tolist() == [True, False, True, False]
    assert group.within(Limit(0.005, rough=True)).tolist() == [False, True, True, False]
    assert group.within(Limit(0.03, motion=Motion.SIMILAR)).tolist() == [True, True, False, False]
    assert group.count(Limit(0.02)) == (2, 4)


def test_limits_that_find_few_copies_or_match_chance_tell_nothing():
    """Of ten copies two must match, and of ten held-out images at most three may."""
    for found, chance, tells in ((2, 3, True), (1, 3, False), (2, 4, False)):
        real, planted = ([0.01] * n + [1] * (10 - n) for n in (chance, found))
        again = Again(lined([1.0], [1], [False]), np.arange(1), 1_000)
        own, seen, wearing = (lined(group, [1] * 10, [False] * 10) for group in ([1] * 10, real, planted))
        disguised = Disguised(open_images(TRAIN[:20]), own, seen, wearing, again)
        assert (Limit(0.02) in disguised.usable) == tells
