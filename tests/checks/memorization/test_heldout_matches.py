"""A generator of held-out images is told to be one, and an honest generator of recurring pictures is not."""

import numpy as np
import pytest

from didlearn.audit.subject import Subject
from didlearn.checks.memorization.check import Memorization
from didlearn.checks.memorization.heldout_matches import HeldoutMatches, match_heldout
from didlearn.checks.memorization.run import run_memorization
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank
from didlearn.result.parts import Decision
from didlearn.result.words import percent
from didlearn.rng import Stream


def pictures(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 5, 5)).astype(np.uint8)


TRAIN, HELDOUT = pictures(600, 0), pictures(200, 1)


@pytest.fixture(autouse=True)
def few_changed(monkeypatch):
    """Change sixty training images mildly, and not 400: what is called a copy is no test's business here."""
    monkeypatch.setattr("didlearn.checks.memorization.measure.PERTURBED", 60)


def subject_of(samples, train=TRAIN, heldout=HELDOUT, **options):
    sets = {"train": open_images(train), "heldout": open_images(heldout)}
    return Subject(Bank(open_images(samples)), **sets, **options)


def matched(samples, *sets, **options):
    subject = subject_of(samples, *sets, **options)
    return match_heldout(subject, subject.draw(10_000)), subject


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.1, 0.5, 1])
def test_held_out_images_among_the_samples_are_told_with_their_share(share, seed):
    count = round(share * len(HELDOUT))
    samples = np.concatenate([HELDOUT[:count], pictures(len(HELDOUT), 10 + seed)[count:]])
    result = run_memorization(Memorization(), subject_of(samples, seed=seed), Stream(seed))
    found = result.estimates["heldout_copies"]
    assert found.value == pytest.approx(share)
    assert found.low <= share <= found.high
    assert f"{percent(share)} of its samples are held-out images to the last bit" in result.answer
    assert "it was trained on them, or these are not its samples" in result.answer
    assert result.verdict == "inconclusive"
    table = next(table for table in result.tables if table.name == "heldout_copies")
    assert len(table.rows) == min(count, 100)
    assert all(np.array_equal(images_drawn(samples, seed)[i], HELDOUT[j]) for i, j, _ in table.rows)


def images_drawn(samples, seed):
    return subject_of(samples, seed=seed).draw(10_000).images


def test_a_single_one_is_said_and_listed_and_changes_no_verdict():
    found, subject = matched(np.concatenate([HELDOUT[7:8], pictures(300, 3)]))
    said = found.told(Decision("pass", "r", "No copying found."))
    assert said == Decision("pass", "r", "No copying found. 1 of 301 samples is a held-out image to the last bit.")
    (table,) = found.tables(subject.heldout)
    assert [row[1:] for row in table.rows] == [(7, "#7")]


def test_a_single_one_may_be_chance_where_pictures_come_twice():
    found, subject = matched(np.concatenate([HELDOUT[7:8], pictures(300, 3)]), np.concatenate([TRAIN, TRAIN[:1]]))
    assert found.clause() == ""
    assert len(found.tables(subject.heldout)[0].rows) == 1


def test_nothing_is_said_of_a_generator_that_made_none():
    found, subject = matched(pictures(300, 3))
    decision = Decision("pass", "r", "a")
    assert found.told(decision) is decision
    assert found.tables(subject.heldout) == ()
    estimate = found.estimates(0.95)["heldout_copies"]
    assert (estimate.value, estimate.low) == (0, 0)
    assert 0 < estimate.high < 0.03


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_recurring_pictures_are_explained_by_the_training_images(share):
    """An honest generator is told nothing in 999 of 1000 draws: none of a hundred, with chance 9 in 10; two at most."""
    rng, called = np.random.default_rng(0), 0

    def drawn(count):
        images = rng.integers(0, 256, (count, 1, 5, 5)).astype(np.uint8)
        images[rng.random(count) < share] = 0
        return images

    for _ in range(100):
        called += bool(matched(drawn(400), drawn(500), drawn(150))[0].clause())
    assert called <= 2


def test_pictures_that_come_now_and_then_are_not_called_seen():
    """A law of 2 000 pictures: samples meet held-out images that stand once there, as training images do."""
    rng, law, called = np.random.default_rng(0), pictures(2000, 5), 0
    for _ in range(100):
        samples, train, heldout = (law[rng.integers(0, len(law), count)] for count in (400, 500, 150))
        called += bool(matched(samples, train, heldout)[0].clause())
    assert called <= 2


def test_what_was_split_off_is_said_to_be_so():
    found, _ = matched(HELDOUT, split_off=True)
    assert "it was trained on what was split off" in found.clause()


def test_a_failure_stays_one():
    found, _ = matched(HELDOUT)
    said = found.told(Decision("fail", "copies", "It copies."))
    assert (said.verdict, said.reason) == ("fail", "copies")
    assert said.answer.startswith(f"It copies. {percent(1)} of its samples")


def test_counts_are_of_all_held_out_images():
    heldout = np.concatenate([HELDOUT, HELDOUT[:2], TRAIN[:1]])
    samples = np.concatenate([HELDOUT[:3], TRAIN[:2], pictures(5, 9)])
    found, _ = matched(samples, TRAIN, heldout)
    # A sample, or a training image, whose picture is in the training set beside is no match: it may come from there.
    assert (found.matched, found.samples, found.train_matched, found.train) == (3, 10, 1, 600)
    assert (found.twice, len(found.lone)) == (3, 1)


def test_where_every_training_image_is_one_too_nothing_can_be_said():
    numbers = np.zeros(0, np.int64)
    found = HeldoutMatches(5, 5, 9, 9, 0, numbers, numbers)
    assert found.share(0.95).value is None
    assert found.clause() == ""
