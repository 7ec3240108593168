"""Classes left out or starved, found by name on digits, by patches and by features."""

from dataclasses import replace

import numpy as np
import pytest

from didlearn.audit.subject import Subject
from didlearn.checks.fidelity.classes import Caller, class_estimates, class_table, measured_classes
from didlearn.checks.fidelity.patches import Patches
from didlearn.embeddings import Embedding
from didlearn.embeddings.pixels import PixelEmbedding
from didlearn.images import open_images
from didlearn.models.formats.bank import Bank
from didlearn.rng import Stream

DIGITS = open_images("digits")
ORDER = np.random.default_rng(0).permutation(len(DIGITS))
TRAIN, REST = DIGITS.subset(np.sort(ORDER[:1_000])), DIGITS.subset(np.sort(ORDER[1_000:]))


class Given(Embedding):
    """Features that are pixels, but not known to be."""

    name = "given"

    def __call__(self, images):
        return PixelEmbedding()(images)


def measured(generated, train=TRAIN, embedding=None):
    subject = Subject(Bank(generated), train=train, embedding=embedding or PixelEmbedding())
    return measured_classes(subject, subject.draw(len(generated)), subject.embed(generated), Stream(0))


def without(label, share=0.0):
    stay = (REST.labels != label) | (np.random.default_rng(0).random(len(REST)) < share)
    return REST.subset(np.flatnonzero(stay))


@pytest.mark.parametrize("embedding", [PixelEmbedding(), Given()])
def test_a_class_that_is_left_out_is_found_by_name(embedding):
    shares, names = measured(without(3), embedding=embedding)
    estimates = class_estimates(shares, names, 0.99)
    assert estimates["class_share_3"].high < 0.3
    for name, estimate in estimates.items():
        if name != "class_share_3":
            assert estimate.low < 10 / 9 < estimate.high, name


@pytest.mark.parametrize("embedding", [PixelEmbedding(), Given()])
def test_unseen_digits_have_each_class_s_share(embedding):
    shares, names = measured(REST, embedding=embedding)
    assert all(e.low < 1 < e.high for e in class_estimates(shares, names, 0.99).values())
    table = class_table(shares, names, 0.99)
    assert [row[0] for row in table.rows] == list(names) == [str(digit) for digit in range(10)]


def test_patches_are_looked_at_only_where_pixels_are_compared(monkeypatch):
    used = []

    def counted(*given):
        used.append(1)
        return Patches(*given)

    monkeypatch.setattr("didlearn.checks.fidelity.classes.Patches", counted)
    measured(REST, embedding=Given())
    assert not used
    measured(REST)
    assert used == [1]


def test_a_few_images_of_a_class_are_enough():
    """The mistake this sees: a Gaussian of each class, which asks for more images of it than there are directions."""
    few = TRAIN.subset(np.flatnonzero((TRAIN.labels != 3) | (np.cumsum(TRAIN.labels == 3) <= 45)))
    for embedding in (PixelEmbedding(), Given()):
        shares, _ = measured(REST, train=few, embedding=embedding)
        found = shares.estimate(3, 0.99)
        assert found.low < (REST.labels == 3).mean() / shares.data[3] < found.high


def test_the_caller_knows_digits():
    rows, asked = (part.read_raw(range(len(part))).reshape(len(part), -1) / 255 for part in (TRAIN, REST))
    right = (Caller(rows, TRAIN.labels).call(asked) == REST.labels).mean()
    assert right > 0.9 + 3 * np.sqrt(0.9 * 0.1 / len(REST))


def test_two_gaussians_are_called_by_the_nearer_mean():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 500)
    rows = rng.normal(size=(1_000, 5)) + 10 * labels[:, None]
    assert (Caller(rows, labels).call(np.array([[4.0] * 5, [6.0] * 5])) == [0, 1]).all()


def test_nothing_tells_classes_apart_without_labels_or_with_too_few_of_one():
    assert measured(REST, train=replace(TRAIN, labels=None)) is None
    rare = TRAIN.subset(np.flatnonzero((TRAIN.labels != 3) | (np.cumsum(TRAIN.labels == 3) <= 12)))
    assert measured(REST, train=rare) is None
