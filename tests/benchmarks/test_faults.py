"""What is planted is there, in the share that is said, and nothing else."""

from collections import Counter

import faults
import numpy as np
import pytest
from laws import Sets

from didlearn.images.disguises import mirrored


@pytest.fixture
def sets():
    """Images of noise, no two alike, with a class that can be read off the first pixel."""
    rng = np.random.default_rng(0)
    train, heldout, generated = (rng.integers(256, size=(n, 1, 6, 6), dtype=np.uint8) for n in (3_000, 2_000, 1_000))
    return Sets(train, heldout, generated, *(images[:, 0, 0, 0].astype(int) for images in (train, generated)))


def names(images):
    """One hashable name for each image."""
    return [image.tobytes() for image in images]


def among(images, others):
    known = set(names(others))
    return np.array([name in known for name in names(images)])


def planted(sets, fault):
    return fault(sets, np.random.default_rng(1))


def test_copies_wear_their_disguise(sets):
    found = planted(sets, faults.copies(0.3, mirrored))
    copied = among(found.generated[..., ::-1], sets.train)
    assert copied.mean() == pytest.approx(0.3, abs=0.06)  # four standard errors
    np.testing.assert_array_equal(found.generated[~copied], sets.generated[~copied])
    assert found.train is sets.train
    assert found.heldout is sets.heldout


def test_a_leak_takes_no_training_image_twice(sets):
    found = planted(sets, faults.leak(0.5))
    leaked = among(found.heldout, sets.train)
    assert leaked.mean() == pytest.approx(0.5, abs=0.05)
    assert len(set(names(found.heldout))) == 2_000
    assert found.generated is sets.generated


@pytest.mark.parametrize(("share", "error"), [(1.0, 0.0), (0.1, 0.04)])
def test_held_out_images_are_taken_in_turn(sets, share, error):
    found = planted(sets, faults.heldout_copies(share))
    assert among(found.generated, sets.heldout).mean() == pytest.approx(share, abs=error)
    assert len(set(names(found.generated))) == 1_000


def test_more_samples_than_held_out_images_come_about_equally_often(sets):
    few = sets._replace(heldout=sets.heldout[:400])
    counts = Counter(names(planted(few, faults.heldout_copies(1.0)).generated))
    assert set(counts.values()) == {2, 3}


def test_pictures_recur_alike_in_all_sets(sets):
    """Of 900 training images 450 pictures, the commonest with a mass of 1/(1 + 1/2 + … + 1/450) = 15 % of them."""
    found = planted(sets, faults.recurring(0.3))
    first = names(sets.train)[: int(np.flatnonzero((found.train != sets.train).any((1, 2, 3)))[460])]
    for after, before in zip(found[:3], sets[:3], strict=True):
        drawn = after[(after != before).any((1, 2, 3))]
        counts = Counter(names(drawn))
        assert len(drawn) / len(before) == pytest.approx(0.3, abs=0.06)
        assert counts.keys() <= set(first)
        assert max(counts.values()) / len(drawn) == pytest.approx(0.15, abs=0.07)
    np.testing.assert_array_equal(found.train_labels, found.train[:, 0, 0, 0])


def test_faults_come_one_after_the_other(sets):
    found = planted(sets, faults.in_turn(faults.leak(0.1), faults.copies(0.3)))
    assert among(found.heldout, sets.train).mean() == pytest.approx(0.1, abs=0.03)
    assert among(found.generated, sets.train).mean() == pytest.approx(0.3, abs=0.06)
