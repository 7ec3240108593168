"""Held-out images that are training images in disguise are found and left out, and nobody else is."""

import numpy as np
import pytest

import didlearn as dl
from didlearn.alignment import Originals
from didlearn.checks.memorization.disguised import LinedUp
from didlearn.checks.memorization.leaks import find_leak
from didlearn.images.disguises import compressed, in_turn
from tests.alignment.pictures import scenes


def lined_up(misfits, stretched=None):
    """Pictures that lined up as badly as that, in place or, where ``stretched``, by a map that stretches."""
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (len(misfits), 1, 1))
    if stretched is not None:
        maps[stretched, 0, 0] = 1.2
    pixels = np.zeros((len(misfits), 1, 32, 32), np.uint8)
    return LinedUp(pixels, Originals(misfits, misfits, np.zeros(len(misfits), np.int64), maps))


def test_under_one_law_nothing_leaks():
    rng = np.random.default_rng(0)
    draws = ((rng.beta(1, 20, 1_000), rng.beta(1, 20, 1_500)) for _ in range(200))
    assert not any(find_leak(*map(lined_up, pair)) for pair in draws)


def test_a_leak_shows_by_maps_that_do_not_stretch():
    """A hundred leaked, much changed; a tenth of all images line up as badly, but stretched."""
    rng = np.random.default_rng(0)
    heldout, again = (np.where(rng.random(count) < 0.1, 0.07, 0.3) for count in (1_000, 2_000))
    heldout[:100] = 0.07
    leak = find_leak(lined_up(heldout, np.arange(1_000) >= 100), lined_up(again, np.ones(2_000, bool)))
    assert leak.leaked[:100].all()
    assert not leak.leaked[100:].any()


def test_a_leak_is_found_and_what_is_usual_stays():
    """A tenth leaked at misfits below .004; of all others one in fifty lines up by chance."""
    rng = np.random.default_rng(0)
    again = np.where(rng.random(2_000) < 0.02, 0.004, 0.3)
    heldout = np.where(rng.random(1_000) < 0.02, 0.004, 0.3)
    heldout[:100] = rng.uniform(0, 0.003, 100)
    leak = find_leak(lined_up(heldout), lined_up(again))
    assert leak.leaked[:100].sum() >= 90
    assert leak.leaked.sum() == pytest.approx(100, abs=15)
    assert leak.usual == pytest.approx(0.02, abs=0.01)


def test_recurring_pictures_stay_when_a_leak_is_taken_out():
    """The mistake this sees: the best matches, which are recurring pictures, taken out first, and none left."""
    rng = np.random.default_rng(0)
    again, heldout = (np.where(rng.random(count) < 0.1, 0.0, 0.3) for count in (2_000, 4_000))
    heldout[:1_200] = rng.uniform(0.0005, 0.004, 1_200)
    leak = find_leak(lined_up(heldout), lined_up(again))
    assert leak.leaked[:1_200].mean() > 0.95
    assert leak.leaked[1_200:].mean() < 0.03
    assert (heldout[~leak.leaked] == 0).mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_leaking_null_does_not_hide_copies(share):
    """The mistake this sees: copies held against a null of copies."""
    train, heldout, generated = scenes(180, seed=0), scenes(120, seed=1), scenes(90, seed=2)
    rng = np.random.default_rng(3)
    leaked = round(share * 120)
    heldout[:leaked] = compressed(75)(train[rng.permutation(180)[:leaked]], rng)
    generated[:27] = in_turn()(train[rng.permutation(180)[:27]], rng)
    check = dl.audit(train=train, heldout=heldout, generator=generated, checks=["memorization"], threads=1)[
        "memorization"
    ]
    assert check.verdict == "fail"
    copied = check.estimates["copied_fraction"]
    assert copied.low <= 0.3 <= copied.high
    said = next(note for note in check.notes if "leaked in disguise" in note)
    assert int(said.split(" of ")[0]) == pytest.approx(leaked, abs=4)


def test_where_all_leaked_nothing_is_decided():
    train = scenes(200, seed=0)
    heldout = compressed(75)(train[:100], np.random.default_rng(0))
    check = dl.audit(train=train, heldout=heldout, generator=scenes(100, seed=2), checks=["memorization"], threads=1)[
        "memorization"
    ]
    assert check.verdict == "inconclusive"
    assert "are left once those that leaked are taken out" in check.answer
