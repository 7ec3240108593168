"""Copies of a known share are found; blur is not mistaken for copying; the null is held-out images."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import didlearn as dl
from didlearn.checks.memorization.check import Memorization
from didlearn.images.perturb import brighten, jpeg

ALIGNED = 30  # few: copies in disguise have tests of their own


@pytest.fixture(scope="module")
def split(points):
    return {"train": points[:3_000], "heldout": points[3_000:4_000]}


def audit(generator, samples=1_000, **arguments):
    """Change a hundred training images mildly to see which are copies, and not 400; four put on each disguise."""
    check = Memorization(samples=samples, aligned=ALIGNED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("didlearn.checks.memorization.measure.PERTURBED", 100)
        patch.setattr("didlearn.checks.memorization.disguised._DISGUISED", 4)
        return dl.audit(generator=generator, checks=[check], threads=1, **arguments)["memorization"]


def planted(points, share, seed, change=lambda x: x, count=1_000, train=3_000):
    rng = np.random.default_rng(seed)
    fresh = points[10_000 + 1_000 * seed :][:count]
    copies = change(points[rng.integers(0, train, count)])
    return np.where((rng.random(count) < share)[:, None, None, None], copies, fresh)


# P(2 or more misses of 3 at 95 %) = 0.7 %, P(3 or more of 8) = 0.6 %.
@pytest.mark.parametrize(
    ("trials", "misses", "count"), [(3, 1, 500), pytest.param(8, 2, 1_000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
def test_planted_copies_of_known_share(points, share, trials, misses, count):
    hits, verdicts, train = 0, [], 3 * count
    sets = {"train": points[:train], "heldout": points[train : train + count]}
    for seed in range(trials):
        result = audit(planted(points, share, seed, count=count, train=train), seed=seed, **sets)
        copied = result.estimates["copied_fraction"]
        hits += copied.low <= share <= copied.high
        verdicts.append(result.verdict)
    assert hits >= trials - misses
    if share >= 0.3:
        assert set(verdicts) == {"fail"}
    if share == 0.0:
        assert verdicts.count("fail") <= misses - 1


@pytest.mark.parametrize("change", [brighten, jpeg])
def test_mildly_changed_copies_are_copies(points, split, change):
    result = audit(planted(points, 0.5, 0, change), **split)
    assert result.estimates["copied_fraction"].value == pytest.approx(0.5, abs=0.06)
    assert result.verdict == "fail"


def test_blur_is_not_copying(points, split):
    """Smoothed fresh pictures are nearer to the training set than held-out ones, and to held-out ones alike."""
    fresh = points[20_000:21_000].astype(float)
    blurred = gaussian_filter(fresh, sigma=(0, 0, 1.0, 1.0)).astype(np.uint8)
    result = audit(blurred, **split)
    assert result.estimates["data_copying"].value < -3
    assert result.estimates["data_copying_pvalue"].value < 0.01
    assert result.estimates["training_preference_pvalue"].value > 0.01
    assert result.verdict != "fail"


def test_matches_with_held_out_images_too_are_not_called_copies(points, split):
    """So much blur that samples come within the copy threshold: of training and held-out images alike."""
    blurred = gaussian_filter(points[20_000:24_000].astype(float), sigma=(0, 0, 1.6, 1.6)).astype(np.uint8)
    check = Memorization(samples=4_000, false_copies=0.001, tolerance=0.01, aligned=200)
    result = dl.audit(generator=blurred, checks=[check], threads=1, **split)["memorization"]
    assert result.estimates["copied_fraction"].low > 0.01
    assert result.estimates["match_preference_pvalue"].value > 0.01
    assert result.verdict != "fail"
    assert "held-out images as often as training images" in result.reason


def test_one_training_image_copied_often_is_copying(points, split):
    """Five copies in a hundred of one single image: no preference test has power, and the copies are certain."""
    some = points[30_000:31_000].copy()
    some[:50] = points[7]
    result = audit(some, **split)
    assert result.verdict == "fail"
    assert result.estimates["certain_copies"].low > 0.01


def test_matches_without_held_out_matches_are_not_explained_away(points, split):
    """The mistake this sees: no significant preference taken for proof of blur, where a single image was hit."""
    noise = np.random.default_rng(0).integers(-14, 15, size=points[:60].shape)
    some = points[30_000:31_000].copy()
    some[:60] = np.clip(points[7].astype(int) + noise, 0, 255)
    result = audit(some, **split)
    assert result.estimates["certain_copies"].value == 0
    assert result.estimates["copied_fraction"].low > 0.01
    assert result.verdict == "inconclusive"


def test_training_and_heldout_swapped_gives_the_other_answer(points, split):
    """The mistake this sees: real= and train= mixed up."""
    copies = points[:1_000]
    assert audit(copies, **split).verdict == "fail"
    swapped = audit(copies, train=points[5_000:8_000], heldout=points[8_000:9_000])
    assert swapped.verdict == "inconclusive"  # of 1 000 samples without a copy .4 % may still be some
    assert swapped.estimates["copied_fraction"].value == 0


def test_authenticity_beside_its_null(points, split):
    result = audit(points[30_000:31_000], **split)
    own, null = result.estimates["authenticity"], result.estimates["authenticity_heldout"]
    assert max(own.low, null.low) <= min(own.high, null.high)
    assert audit(points[:1_000], **split).estimates["authenticity"].value == 0


def test_a_threshold_that_takes_in_every_held_out_image_tells_nothing(points, split):
    check = Memorization(samples=200, threshold=1e6, aligned=ALIGNED)
    result = dl.audit(generator=points[30_000:30_200], checks=[check], threads=1, **split)["memorization"]
    assert result.estimates["copied_fraction"].value is None
    assert result.verdict == "inconclusive"
    assert "smaller threshold" in result.answer


def test_what_is_missing_is_said(points):
    few = dl.audit(generator=points[:100], train=points[:100], heldout=points[200:205], checks=["memorization"])
    assert few["memorization"].verdict == "not_run"
    assert "5 held-out images are too few" in few["memorization"].reason
    none = dl.audit(generator=points[:100], checks=["memorization"])
    assert "train=..." in none["memorization"].reason


def test_every_group_is_drawn(points, split):
    result = audit(points[40_000:41_000], outside={"other": points[45_000:45_200]}, **split)
    labels = [series.label for series in result.figures[0].series]
    assert labels == ["generated", "held-out real", "other", "mildly changed copies"]
    assert len(result.galleries[0].rows) == 8


def test_outside_data_of_another_shape_is_named(points, split):
    result = audit(points[40_000:40_100], outside={"small": points[:30, :, :8, :8]}, **split)
    assert any("small has images of another shape" in note for note in result.notes)


def test_one_training_image_is_counted(points):
    result = audit(points[:100], train=points[:1], heldout=points[100:140])
    assert result.verdict == "not_run"
    assert result.reason.startswith("there is 1 training image, and 2 are the fewest; give more with train=")
