"""Recurrence and leaks: nothing is called a leak on draws of one law, and planted leaks are, with their share."""

import numpy as np
import pytest

from didlearn.images import open_images
from didlearn.images.recurrence import LEAK_LEVEL, PictureNumbers, measure_recurrence, picture_numbers


def drawn(count, law, rng):
    """Pictures of a law: a share of recurring ones, by their masses; every other picture is new."""
    masses = np.asarray(law, dtype=float)
    numbers = rng.choice(len(masses) + 1, count, p=[*masses, 1 - masses.sum()])
    new = numbers == len(masses)
    numbers[new] = rng.integers(10**6, 10**15, new.sum())
    return numbers.astype(np.int64)


def numbered(train, heldout):
    values = np.unique(np.concatenate([train, heldout]), return_inverse=True)[1]
    return PictureNumbers(*np.split(values.astype(np.int64), [len(train)]))


LAWS = {
    "nothing recurs": [],
    "2 % are blank": [0.02],
    "10 %, one picture": [0.1],
    "30 %, ten pictures": [0.03] * 10,
    "10 %, pictures that come twice": [0.1 / 300] * 300,
    "30 %, pictures that come twice": [0.3 / 900] * 900,
    "30 %, from often to seldom": list(0.3 * (w := 1 / np.arange(1, 500)) / w.sum()),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_no_leak_is_called_where_both_sets_follow_one_law(law):
    rng, draws = np.random.default_rng(0), 300
    called = 0
    for _ in range(draws):
        pooled = drawn(2100, law, rng)
        called += bool(measure_recurrence(numbered(pooled[:1500], pooled[1500:])).leaked().any())
    # Binomial(300, at most 0.01): mean 3, standard deviation 1.7, four of them.
    assert called <= 300 * LEAK_LEVEL + 4 * 1.73


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_a_planted_leak_is_called_with_its_share(law, share):
    """Leaks that stand once in either set are taken out; those of recurring pictures cannot be told and stay."""
    rng, found, planted = np.random.default_rng(1), [], []
    for _ in range(20):
        train, heldout = drawn(4000, law, rng), drawn(2000, law, rng)
        count = round(share * len(heldout))
        heldout[:count] = rng.permutation(train)[:count]
        recurrence = measure_recurrence(numbered(train, heldout))
        alone = np.isin(heldout[:count], train[~recurrence.train]) & ~recurrence.heldout[:count]
        planted.append(alone.sum())
        found.append(recurrence.leaked().sum())
    share_found, share_planted = np.mean(found) / 2000, np.mean(planted) / 2000
    noise = np.std(np.subtract(found, planted)) / 2000 / np.sqrt(20)
    if share == 0.01 and law and min(law) < 0.001:  # twenty leaks beside dozens that recurrence parts
        assert share_found <= share_planted + 4 * noise + 0.002
    else:
        assert abs(share_found - share_planted) <= 4 * noise + 0.003


def test_each_flag_says_what_it_is():
    found = measure_recurrence(PictureNumbers(np.array([0, 0, 1, 2, 3]), np.array([0, 1, 4, 4, 2, 5])))
    assert found.train.tolist() == [True, True, False, False, False]
    assert found.heldout.tolist() == [False, False, True, True, False, False]
    assert found.shared.tolist() == [True, True, False, False, True, False]
    assert found.single.tolist() == [False, True, False, False, True, False]
    assert found.leaked(always=True).tolist() == [False, False, False, False, True, False]
    assert not found.leaked().any()
    # One pair within: two images of eleven part with chance 60/110, so it explains 6/5.
    assert found.explained == pytest.approx(6 / 5)


def test_as_many_as_recurrence_explains_stay_spread_evenly():
    """Forty pictures come twice within the training set, thirty part, and 60 leaked."""
    train = np.concatenate([np.repeat(np.arange(40), 2), np.arange(40, 400)])
    heldout = np.concatenate([np.arange(40, 130), np.arange(1000, 1350)])
    found = measure_recurrence(numbered(train, heldout))
    stay = round(found.explained)
    assert 0 < stay < 90
    kept = np.flatnonzero(found.single & ~found.leaked())
    assert len(kept) == stay
    assert np.diff(kept).max() - np.diff(kept).min() <= 1
    assert kept[0] == 0


def test_pictures_are_told_by_their_bytes(pictures):
    pixels = pictures(4)
    train, heldout = open_images(pixels[[0, 1, 1]]), open_images(pixels[[1, 2]].astype(np.float64) / 255)
    numbers = picture_numbers(train, heldout)
    assert numbers.train[1] == numbers.train[2] == numbers.heldout[0]
    assert len({*numbers.train, *numbers.heldout}) == 3


def test_empty_sets():
    found = measure_recurrence(PictureNumbers(np.zeros(0, np.int64), np.zeros(0, np.int64)))
    assert len(found.leaked()) == 0
