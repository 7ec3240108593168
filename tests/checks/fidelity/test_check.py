"""The fidelity check on features whose law is known.

Mistakes seen: real and generated swapped, the null at another number of images, a verdict from the point estimate
alone, a gallery of other images than the features'.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.fidelity.check import Fidelity
from didlearn.errors import UsageError
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank
from tests.checks.features import Lookup, numbered, unscrambled

P = 12
CHECK = Fidelity(permutations=99)


def law(n, seed):
    """Three clusters."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, P)) + 4 * np.eye(3, P)[rng.integers(3, size=n)]


def subject_of(generated, heldout=None, train=None):
    heldout = law(700, 1) if heldout is None else heldout
    train = law(len(generated), 2) if train is None else train
    sizes = np.cumsum([0, len(generated), len(heldout), len(train)])
    images = [numbered(start, stop - start, None) for start, stop in pairwise(sizes.tolist())]
    embedding = Lookup(np.concatenate([generated, heldout, train]))
    return Subject(Bank(images[0]), heldout=images[1], train=images[2], embedding=embedding)


def test_the_real_law_passes():
    found = run_check(CHECK, subject_of(law(900, 0)))
    assert found.verdict == "pass", found.answer
    e = found.estimates
    assert e["frechet_excess"].low < 0 < e["frechet_excess"].high
    assert e["frechet_distance_train"].low > 0, "biased, for training images as well"
    assert e["kernel_distance"].low < 0 < e["kernel_distance"].high
    assert e["kernel_pvalue"].value > 0.01
    for name in ("precision", "recall", "density", "coverage"):
        assert e[f"{name}_gap"].low < 0 < e[f"{name}_gap"].high, name
    assert e["vendi_ratio"].low < 1 < e["vendi_ratio"].high
    assert [figure.name for figure in found.figures] == ["bias"]
    assert found.tables[0].csv == "fidelity.csv"
    assert any("gaussianity" in note for note in found.notes)


def noisy(n):
    return law(n, 0) + 3 * np.random.default_rng(9).normal(size=(n, P))


def one_mode(n):
    rows = law(4 * n, 0)
    return rows[rows[:, 0] > 2.5][:n]


def blurred(n):
    rows = law(n, 0)
    return (rows + rows[::-1]) / 2 * 0.8


def one_image(n):
    return np.repeat(law(1, 0), n, axis=0)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (noisy, "outside the real ones"),
        (one_mode, "leaves real images without a neighbour"),
        (blurred, "as a whole differ from real ones"),
        (one_image, "less diverse"),
    ],
)
def test_faults_fail(fault, words):
    found = run_check(CHECK, subject_of(fault(600)))
    assert found.verdict == "fail", found.answer
    assert words in found.answer


def test_real_and_generated_are_not_swapped():
    e = run_check(CHECK, subject_of(one_mode(600))).estimates
    assert e["precision"].value > 0.8
    assert e["recall"].value < 0.5
    e = run_check(CHECK, subject_of(noisy(600))).estimates
    assert e["precision"].value < 0.5
    assert e["recall"].value > 0.8


def test_few_images_leave_it_open():
    rows = law(90, 0) + np.random.default_rng(9).normal(size=(90, P))
    found = run_check(CHECK, subject_of(rows, heldout=law(80, 1)))
    assert found.verdict == "inconclusive"
    assert "generated, training and held-out images would settle it" in found.reason


def test_equally_many_training_images_are_the_null():
    found = run_check(CHECK, subject_of(law(900, 0), train=law(300, 2)))
    assert found.estimates["vendi_score"].n == found.estimates["vendi_score_train"].n == 300
    assert found.estimates["frechet_distance"].n == 1000


def test_unlike_training_images_are_noted():
    found = run_check(CHECK, subject_of(law(400, 0), train=law(400, 2) + 1))
    assert any("differ by the kernel distance's exchange test themselves" in note for note in found.notes)


def test_the_gallery_shows_the_images_the_features_are_of():
    rows = law(500, 0)
    rows[120:180] += 50  # not all samples are chosen; some of these are
    subject = subject_of(rows, train=law(450, 2))
    tile = run_check(CHECK, subject).galleries[0].rows[0][0]
    spelled = int(unscrambled(torch.from_numpy(tile.pixels[:1].astype(np.int64))))
    assert 120 <= spelled < 180
    drawn = subject.draw(CHECK.samples).images[int(tile.caption.split()[1])]
    assert np.array_equal(drawn[0], tile.pixels)


def test_alike_and_too_few_images():
    found = run_check(CHECK, subject_of(law(100, 0), heldout=np.ones((60, P))))
    assert found.verdict == "inconclusive"
    assert "same features" in found.reason
    few = run_check(CHECK, subject_of(law(100, 0), heldout=law(20, 1)))
    assert few.verdict == "not_run"
    assert "20 held-out images are too few" in few.reason
    assert "training images" in CHECK.missing(Subject(Bank(open_images(np.zeros((50, 1, 4, 4), np.uint8)))))
    assert "generator=..." in CHECK.missing(Subject(None))


def test_permutations_that_cannot_reach_the_significance_are_refused():
    found = run_check(Fidelity(permutations=19, alpha=0.01), subject_of(law(100, 0)))
    assert found.verdict == "error"
    assert "give more than 100" in found.reason
    with pytest.raises(UsageError):
        Fidelity(permutations=19, alpha=0.01).run(subject_of(law(100, 0)), None)
