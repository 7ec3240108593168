"""Real sets as they are: what recurs stays and is said, what leaked is left out and is said, nothing is refused."""

import numpy as np
import pytest

import didlearn as dl
from didlearn.audit.real_sets import open_real
from didlearn.audit.spec import build_checks
from didlearn.errors import DataError


def pictures(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 6)).astype(np.uint8)


def with_blanks(images, share):
    images = images.copy()
    images[: int(share * len(images))] = 0
    return images


TRAIN, HELDOUT, SAMPLES = pictures(1500, 0), pictures(700, 1), pictures(1500, 2)


def opened(train, heldout, drop_shared=False):
    return open_real(train, heldout, 0, 0.2, drop_shared, {})


@pytest.mark.parametrize("share", [0, 0.02, 0.1, 0.3])
@pytest.mark.parametrize("way", ["split off", "given", "given, shared ones to be left out"])
def test_an_honest_generator_of_recurring_pictures_does_not_copy(share, way):
    sets = {} if way == "split off" else {"heldout": with_blanks(HELDOUT, share), "drop_shared": "left out" in way}
    result = dl.audit(
        train=with_blanks(TRAIN, share),
        generator=with_blanks(SAMPLES, share),
        checks=["memorization"],
        threads=1,
        **sets,
    )
    check = result["memorization"]
    assert check.verdict != "fail"
    assert check.estimates["heldout_copies"].low == 0
    blank = check.estimates["copied_fraction_heldout"].value
    # At most 700 held-out images; four standard deviations of the split.
    assert abs(blank - share) <= 4 * np.sqrt(share * (1 - share) / 300)
    assert not any("leaked" in note for note in result.notes)
    assert any("not the only one of their picture" in note for note in result.notes) == (share > 0)


@pytest.mark.parametrize("leaked", [7, 70, 350, 700])
def test_leaked_images_are_left_out_and_counted(leaked):
    real = opened(TRAIN, np.concatenate([TRAIN[:leaked], HELDOUT[leaked:]]))
    assert len(real.heldout) == 700 - leaked
    assert real.heldout.index.tolist() == list(range(leaked, 700))
    share = {7: "1", 70: "10", 350: "50", 700: "100"}[leaked]
    plain = [note.replace("\u202f", " ") for note in real.notes]
    assert plain == [
        f"{leaked} of 700 held-out images ({share} %) are also training images, once in either set: they leaked, and "
        "were left out."
    ]


def test_so_few_that_chance_may_have_made_them_stay_unless_they_are_to_go():
    heldout = np.concatenate([TRAIN[:2], HELDOUT[2:]])
    stays, goes = opened(TRAIN, heldout), opened(TRAIN, heldout, drop_shared=True)
    assert len(stays.heldout) == 700
    assert "2 of 700 held-out images" in stays.notes[0]
    assert "they stay (drop_shared=True leaves them out)" in stays.notes[0]
    assert len(goes.heldout) == 698
    assert "so few may be chance, but they were left out" in goes.notes[0]


def test_what_recurs_seldom_is_no_leak_whatever_is_asked():
    """Fifty pictures, 2 % of each set: those that happen to stand once in both stay but for what is beyond chance."""
    called = left_out = singles = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        train, heldout = pictures(1500, 10 + seed), pictures(700, 100 + seed)
        for images in (train, heldout):
            chosen = rng.random(len(images)) < 0.02
            images[chosen] = SAMPLES[rng.integers(50, size=chosen.sum())]
        real = opened(train, heldout, drop_shared=True)
        called += any("they leaked" in note for note in real.notes)
        left_out += 700 - len(real.heldout)
        singles += opened(train, heldout).notes[-1].count("once in either set")
    assert called <= 3
    assert singles > 40
    # About four stand once in both sets by chance, and as many are explained: what is left out is the noise of that.
    assert left_out / 60 < 2


def test_leaks_beside_recurring_pictures():
    heldout = with_blanks(HELDOUT, 0.1)
    heldout[100:170] = TRAIN[500:570]
    real = opened(with_blanks(TRAIN, 0.1), heldout)
    assert len(real.heldout) == 630
    plain = [note.replace("\u202f", " ") for note in real.notes]
    assert plain[0] == "150 of 1 500 training images (10 %) are not the only one of their picture."
    assert plain[1] == "70 of 700 held-out images (10 %) are not the only one of their picture."
    assert "70 of 700 held-out images (10 %) show a picture of the training set that recurs" in plain[2]
    assert "70 of 700 held-out images (10 %) are also training images" in plain[3]


def test_copies_are_found_beside_a_leak():
    heldout = np.concatenate([TRAIN[:350], HELDOUT[350:]])
    samples = np.concatenate([SAMPLES[:700], TRAIN[900:1200]])
    result = dl.audit(train=TRAIN, heldout=heldout, generator=samples, checks=["memorization"], threads=1)
    copied = result["memorization"].estimates["copied_fraction"]
    assert result["memorization"].verdict == "fail"
    assert copied.low <= 0.3 <= copied.high
    assert any("350 of 700" in note for note in result.notes)


def test_where_all_leaked_the_rest_is_told_that_none_are_left():
    result = dl.audit(train=TRAIN, heldout=TRAIN, generator=SAMPLES, checks=["memorization", "support"], threads=1)
    assert result["memorization"].verdict == "not_run"
    assert result["support"].verdict != "error"
    assert any("they leaked" in note for note in result.notes)


def test_one_set_or_none():
    assert open_real(None, None, 0, 0.2, False, {}).heldout is None
    alone = open_real(None, HELDOUT, 0, 0.2, False, {})
    assert alone.train is None
    assert len(alone.heldout) == 700


def test_two_shapes_are_refused():
    with pytest.raises(DataError, match="bring both to one shape"):
        opened(TRAIN, np.zeros((30, 5, 5), np.uint8))


def test_a_crop_is_of_real_images_and_not_of_samples(tmp_path):
    """Samples have the size that the cropped images are brought to, smaller than what is cut out."""
    rng = np.random.default_rng(0)
    real, samples = (rng.integers(0, 256, (40, side, side), dtype=np.uint8) for side in (20, 6))
    asked = {"crop": 12, "size": 6, "checks": build_checks(["fidelity"], {"fidelity": {"permutations": 19}})}
    result = dl.audit(train=real, generator=samples, outside={"flat": "colours"}, channels=1, threads=1, **asked)
    assert result.checks[0].verdict != "error"
    assert result.subject["train"]["shape"] == [1, 6, 6]
    assert any("12×12 pixels in their middle" in note for note in result.subject["train"]["notes"])
    assert result.subject["outside"]["flat"]["shape"] == [1, 6, 6]
    assert result.subject["outside"]["flat"]["notes"] == []
