"""Copies in disguise through the check: planted shares are found, clean generators are not accused."""

from functools import cache

import numpy as np
import pytest

import didlearn as dl
from didlearn.checks.memorization.disguised import LIMITS
from didlearn.images.disguises import DISGUISES, compressed, cropped, in_turn, mirrored
from tests.alignment.pictures import scenes

TRAIN, HELDOUT = scenes(800, seed=0), scenes(500, seed=1)
CLEAN = scenes(500, seed=2)


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
def half_mirrored():
    """Half of the samples are mirrored training images."""
    return audited(planted(mirrored, 0.5))


@pytest.mark.parametrize("name", ["mirrored", "turned by 10°", "noise of 25 levels", "mirrored, JPEG, cropped"])
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_share_of_copies_is_right_whatever_they_wear(name, share):
    check = audited(planted(DISGUISES[name], share))
    found = check.estimates["copied_fraction"]
    assert found.low <= share <= found.high
    assert found.value == pytest.approx(share, abs=0.04)
    assert check.verdict == "fail"


def test_what_most_copies_wear_is_said():
    assert "in disguise (mirrored)" in half_mirrored().answer


def test_mirrored_copies_are_certain_and_compressed_ones_are_not():
    certain = [
        audited(planted(change, 0.2)).estimates["certain_copies"]
        for change in (mirrored, in_turn(compressed(25), cropped(2)))
    ]
    assert certain[0].low <= 0.2 <= certain[0].high
    assert certain[1].low == 0


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
    prototypes = scenes(300, seed=3)
    drawn = prototypes[rng.integers(300, size=900)]
    check = audited(drawn[:300], train=drawn[300:600], heldout=drawn[600:])
    found = check.estimates["match_preference"]
    assert found.low <= check.estimates["training_preference_expected"].value <= found.high
    assert check.verdict != "fail"
