"""The numbers of the birthday test on features placed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from didlearn.audit.subject import Subject
from didlearn.checks.duplicate_counts import Counts, count_duplicates
from didlearn.checks.sameness import PERTURBED, Criterion, perturbed_distances
from didlearn.checks.support import measure as module
from didlearn.checks.support.measure import (
    Compared,
    Duplicates,
    Embedded,
    atoms_of,
    calibrated,
    count_at,
    count_by_class,
    count_lookalikes,
    gather,
    join_pairs,
    measured_criterion,
    measured_lookalikes,
    measured_supports,
    measured_without,
)
from didlearn.images import open_images
from didlearn.models.base import Samples
from didlearn.models.formats.bank import Bank
from didlearn.rng import Stream
from didlearn.statistics.threshold import LowerTail
from tests.checks.features import Lookup, numbered

LINE = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]], np.float32)  # within .15 a chain of three, and a pair
NONE = np.zeros(0)


def flat(images):
    return images.reshape(len(images), -1) / np.float32(255)


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 4, 4)).astype(np.uint8)


def real(features, images=None, labels=None):
    found = numbered(7, len(features), labels) if images is None else open_images(images)
    return Embedded(found, features)


def compared(features, heldout=None, train=None, labels=None, images=None):
    """Samples (of any pictures) with these features, and the real images beside them."""
    drawn = pictures(len(features), seed=9) if images is None else images
    return Compared(Samples(drawn, labels, np.ones(len(drawn), bool)), features, heldout, train)


def criterion(threshold=0.15, lookalikes=(), tail=None):
    return Criterion(threshold, "why", dict(lookalikes), {}, tail, 77, NONE, given=False)


# What is compared


def subject(samples, heldout=None, train=None):
    """Samples, held-out and training images numbered through; the feature of an image is its number."""
    counts = (samples, heldout, train)
    starts = np.cumsum([0, *(count or 0 for count in counts)])
    sets = [count and numbered(int(start), count, None) for count, start in zip(counts, starts[:-1], strict=True)]
    return Subject(Bank(sets[0]), heldout=sets[1], train=sets[2], embedding=Lookup(np.arange(starts[-1])[:, None]))


def gathered(*counts, samples=50):
    return gather(subject(*counts), samples, Stream(0))


def within(known, start, count):
    """Whether the features are those of ``count`` different images of the set that begins at ``start``."""
    numbers = known.features[:, 0]
    return len(np.unique(numbers)) == count == len(known.images) and start <= numbers.min()


@pytest.fixture
def fifty(monkeypatch):
    """A limit on real images that small sets reach."""
    monkeypatch.setattr(module, "_REAL", 50)


@pytest.mark.parametrize("samples", [5, 50])
def test_real_images_are_held_out_ones_filled_up_with_training_ones(fifty, samples):
    """As many of them, however many samples are asked for: what is counted among them may not depend on that."""
    found = gathered(50, 30, 100, samples=samples)
    assert len(found.drawn) == len(found.features) == samples
    assert within(found.heldout, 50, 30)
    assert within(found.train, 80, 20)
    assert found.real == [found.heldout, found.train]
    assert sorted(found.real_features[:30, 0]) == list(range(50, 80))
    assert len(found.real_features) == 50


def test_no_more_held_out_images_than_there_is_room_for(fifty):
    found = gathered(60, 100, 100, samples=50)
    assert within(found.heldout, 60, 50)
    assert found.train is None
    assert found.real == [found.heldout]


def test_without_real_images_there_are_no_features_of_them():
    assert compared(LINE).real_features is None


@pytest.mark.parametrize("heldout", [None, 1])
def test_one_held_out_image_is_none(fifty, heldout):
    """Nothing to pair it with; training images then fill the whole."""
    found = gathered(50, heldout, 100)
    assert found.heldout is None
    assert within(found.train, 50, 50)


@pytest.mark.parametrize(("heldout", "train"), [(49, None), (48, 2)])
def test_room_for_one_training_image_is_none(fifty, heldout, train):
    found = gathered(50, heldout, 100).train
    assert found is None if train is None else len(found.images) == train


def test_two_held_out_images_are_enough():
    assert within(gathered(50, 2).heldout, 50, 2)
    assert gathered(50, 2).train is None


# What a duplicate is


def calibrate(images, threshold=None):
    return calibrated(images, flat, threshold, Stream(0), "cpu")


def cloud(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


def test_the_criterion_rests_on_held_out_and_training_images_together():
    heldout, train = real(cloud(40), pictures(40, 1)), real(cloud(30, 1), pictures(30, 2))
    found = calibrate(compared(cloud(300, 5), heldout, train))
    assert found.distinct == 70
    assert found.tail.trials == 70 * 69 // 2
    expected = perturbed_distances(pictures(40, 1), flat(pictures(40, 1)), flat)  # held-out pictures are changed
    assert {kind: d.tolist() for kind, d in found.perturbed.items()} == {k: d.tolist() for k, d in expected.items()}


def test_a_given_threshold_is_taken():
    assert calibrate(compared(cloud(3, 5), real(cloud(200), pictures(200))), threshold=0.7).threshold == 0.7


def test_the_criterion_is_the_same_whatever_is_sampled():
    heldout = real(cloud(200), pictures(200))
    few, many = (calibrate(compared(cloud(count, 5), heldout)) for count in (3, 300))
    assert (few.threshold, few.lookalikes) == (many.threshold, many.lookalikes)


def test_without_real_images_the_samples_are_changed():
    found = calibrate(compared(cloud(20), images=pictures(20, 3)))
    assert found.distinct == 0
    shift = perturbed_distances(pictures(20, 3), flat(pictures(20, 3)), flat)["shift by a pixel"]
    assert found.perturbed["shift by a pixel"].tolist() == shift.tolist()


def test_floats_are_changed_as_their_picture_files_would_be():
    drawn = pictures(20, 3)
    found = calibrate(compared(cloud(20), images=(drawn / 255).astype(np.float32)))
    assert found.perturbed["5 % brighter"].tolist() == calibrate(compared(cloud(20), images=drawn)).perturbed[
        "5 % brighter"
    ].tolist()  # fmt: skip


@pytest.mark.parametrize("beside", [True, False])
def test_a_few_hundred_pictures_are_changed(beside):
    many = pictures(PERTURBED + 5)
    features = cloud(PERTURBED + 5)
    images = compared(features, real(features, many)) if beside else compared(features, images=many)
    assert {len(d) for d in calibrate(images).perturbed.values()} == {PERTURBED}


@pytest.mark.parametrize("known", [True, False])
def test_what_is_said_of_the_criterion(known):
    tail = LowerTail(distance=1.0, count=100, exponent=2.0, trials=10_000) if known else None
    found = measured_criterion(criterion(0.1, tail=tail), 0.9)
    assert list(found) == (["false_duplicate_rate", "threshold"] if known else ["threshold"])
    threshold = found["threshold"]
    assert (threshold.value, threshold.low, threshold.high, threshold.n, threshold.level) == (0.1, 0.1, 0.1, 77, 0.9)
    assert threshold.method == "calibrated: why"
    if known:
        assert found["false_duplicate_rate"].value == pytest.approx(1e-4)
        assert found["false_duplicate_rate"].level == 0.9


# Supports


def test_pairs_are_counted_among_samples_and_held_out_images():
    found = count_at(compared(LINE, real(LINE[:4])), 0.25, "cpu")
    assert (found.own.samples, found.own.pairs) == (6, 4)
    assert (found.heldout.samples, found.heldout.pairs) == (4, 3)
    assert (found.real.samples, found.real.pairs) == (4, 3)
    beside = count_at(compared(LINE, real(LINE[:4]), real(LINE[4:])), 0.25, "cpu")
    assert (beside.own.samples, beside.heldout.samples, beside.real.samples, beside.real.pairs) == (6, 4, 6, 4)
    alone = count_at(compared(LINE), 0.15, "cpu")
    assert (alone.heldout, alone.real) == (None, None)


def test_the_ratio_is_real_pairs_over_the_samples():
    """3 of 6 pairs of real images, 4 of 15 of the samples: 15/8 times as many different images."""
    found = count_at(compared(LINE, real(LINE[:4])), 0.25, "cpu").ratio(0.9)
    assert found.value == pytest.approx((3 / 6) / (4 / 15))
    assert found.low < found.value < found.high
    assert found.level == 0.9


def test_supports_of_a_line():
    """4 of 15 pairs among the samples, 3 of 6 among the held-out images."""
    found = measured_supports(count_at(compared(LINE, real(LINE[:4])), 0.25, "cpu"), 0.9, 0.9)
    assert found["effective_support"].value == pytest.approx(15 / 4)
    assert found["collision_probability"].value == pytest.approx(4 / 15)
    assert found["effective_support_heldout"].value == found["effective_support_real"].value == pytest.approx(2)
    assert found["support_ratio"].value == pytest.approx(15 / 8)
    assert {"richness", "coverage", "heterogeneity", "chao1"} < set(found)
    assert {estimate.level for estimate in found.values()} == {0.9}
    alone = measured_supports(count_at(compared(LINE), 0.25, "cpu"), 0.9, 0.9)
    assert not {"effective_support_heldout", "effective_support_real", "support_ratio"} & set(alone)


def test_where_duplicates_chain_only_pairs_are_counted():
    found = measured_supports(Duplicates(count_duplicates(LINE, 0.15), None, None), 0.95, 0.95)
    assert set(found) == {"effective_support", "collision_probability"}
    assert found["effective_support"].value == pytest.approx(15 / 3)


def test_pairs_count_where_clusters_say_otherwise():
    """Nine of ten pairs in a cluster of five: transitive enough, and the pairs seen are nine, not ten."""
    own = Counts(5, 9, 44, np.array([4, 4, 4, 3, 3]), np.array([1, 2, 3, 5, 5]), np.zeros(5, int), np.array([5]))
    found = measured_supports(Duplicates(own, None, None), 0.95, 0.95)
    assert found["effective_support"].value == pytest.approx(10 / 9)
    assert found["collision_probability"].value == pytest.approx(9 / 10)
    assert "richness" in found


@pytest.mark.parametrize("chains", [(), ("own",), ("heldout",), ("real",)])
def test_disguises_are_joined_on_both_sides_of_the_ratio_or_on_none(chains):
    """Samples, held-out images, and these with training images are 3, 4 and 9; likeness chains among some of them."""
    samples, heldout, train = (np.arange(float(count), dtype=np.float32)[:, None] for count in (3, 4, 5))
    sets = compared(samples, real(heldout, pictures(4)), real(train + 10, pictures(5)))
    plain = count_at(sets, 0.5, "cpu")
    sizes = {"own": 3, "heldout": 4, "real": 9}

    def join(counts, planes):
        assert counts.samples == len(planes)
        chained = {sizes[name] for name in chains}
        return None if len(planes) in chained else replace(counts, pairs=counts.pairs + 1)

    joined = join_pairs(sets, plain, join, "cpu")
    pairs = [part.pairs for part in (joined.own, joined.heldout, joined.real)]
    assert pairs == ([0, 0, 0] if chains else [1, 1, 1])


def test_disguises_are_joined_without_real_images_too():
    alone = compared(np.arange(3.0, dtype=np.float32)[:, None])
    joined = join_pairs(alone, count_at(alone, 0.5, "cpu"), lambda counts, _: replace(counts, pairs=1), "cpu")
    assert (joined.own.pairs, joined.heldout, joined.real) == (1, None, None)


def test_lookalikes_are_pairs_within_the_larger_distances(monkeypatch):
    """Within 4: the six closest of 15 pairs of samples (three, one, and 5.0, 5.1 with 9.0), and 3 of 6 held-out."""
    images, wider = compared(LINE, real(LINE[:4])), criterion(0.15, {"1e5": 4.0, "1e4": 20.0})
    found = measured_lookalikes(count_lookalikes(images, wider, "cpu"), 0.9, 0.9)
    assert found["lookalike_support_1e5"].value == pytest.approx(15 / 6)
    assert found["lookalike_support_1e5_real"].value == pytest.approx(6 / 3)
    assert found["lookalike_ratio_1e5"].value == pytest.approx((3 / 6) / (6 / 15))
    assert found["lookalike_support_1e4"].value == 1
    assert {estimate.level for estimate in found.values()} == {0.9}
    monkeypatch.setattr(module, "_LOOKALIKE", 3)
    assert count_lookalikes(images, wider, "cpu")["1e5"].own.samples == 3


def test_no_lookalikes_without_a_larger_distance_and_no_ratio_without_real_images():
    assert measured_lookalikes(count_lookalikes(compared(LINE, real(LINE)), criterion(), "cpu"), 0.95, 0.95) == {}
    alone = count_lookalikes(compared(LINE), criterion(0.15, {"1e4": 4.0}), "cpu")
    assert set(measured_lookalikes(alone, 0.95, 0.95)) == {"lookalike_support_1e4"}


# Atoms


def repeated(*sizes, alone=0):
    """Features of pictures drawn so often each, a hundred apart, and of others drawn once."""
    return (100 * np.repeat(np.arange(len(sizes) + alone), [*sizes, *[1] * alone]))[:, None].astype(np.float32)


def test_a_picture_drawn_forty_times_in_a_hundred_is_an_atom_and_is_taken_out():
    """What remains: 60 draws with two pairs among 60·59/2."""
    found = count_duplicates(repeated(40, 2, 2, alone=56), 1.0)
    atoms = atoms_of(found, 0.9)
    assert [(atom.size, atom.mass.value, atom.mass.level) for atom in atoms] == [(40, 0.4, 0.9)]
    without = measured_without(atoms, found, 0.9)
    assert set(without) == {"largest_atom", "effective_support_without_atoms", "richness_without_atoms"}
    assert without["largest_atom"] == atoms[0].mass
    assert without["effective_support_without_atoms"].value == pytest.approx(60 * 59 / 2 / 2)
    assert without["effective_support_without_atoms"].level == 0.9


def test_the_heaviest_atom_stands_first():
    found = count_duplicates(repeated(30, 40, alone=60), 1.0)
    assert measured_without(atoms_of(found, 0.95), found, 0.95)["largest_atom"].value == pytest.approx(40 / 130)


def test_one_picture_alone_leaves_nothing_to_measure():
    found = count_duplicates(repeated(60), 1.0)
    assert set(measured_without(atoms_of(found, 0.95), found, 0.95)) == {"largest_atom"}


def test_no_atoms_where_clusters_chain_or_nothing_repeats():
    chain = count_duplicates((0.1 * np.arange(60))[:, None].astype(np.float32), 0.15)
    for found in (chain, count_duplicates(repeated(alone=60), 1.0)):
        assert atoms_of(found, 0.95) == []
        assert measured_without([], found, 0.95) == {}


# Classes


def classed(*counts):
    """Labels 0, 1, …, so many of each, and features a class apart in which the first two of a class are duplicates."""
    labels = np.repeat(np.arange(len(counts)), counts)
    place = np.concatenate([np.maximum(np.arange(count), 1) for count in counts])
    return (1000 * labels + 10 * place)[:, None].astype(np.float32), labels


def test_duplicates_are_counted_within_each_class():
    features, labels = classed(20, 19, 30)
    theirs, their_labels = classed(5, 5, 1)
    found = count_by_class(compared(features, real(theirs, labels=their_labels), labels=labels), 1.0, "cpu")
    assert [(c.label, c.own.samples, c.own.pairs) for c in found] == [(0, 20, 1), (2, 30, 1)]  # 19 are too few
    assert (found[0].heldout.samples, found[0].heldout.pairs) == (5, 1)
    assert found[1].heldout is None  # one image has no pair


def test_two_held_out_images_of_a_class_are_compared():
    features, labels = classed(20)
    theirs, their_labels = classed(2)
    found = count_by_class(compared(features, real(theirs, labels=their_labels), labels=labels), 1.0, "cpu")
    assert (found[0].heldout.samples, found[0].heldout.pairs) == (2, 1)


@pytest.mark.parametrize("heldout", [None, real(LINE)])
def test_classes_without_labelled_held_out_images(heldout):
    features, labels = classed(20)
    images = compared(features, heldout, labels=labels)
    assert [c.heldout for c in count_by_class(images, 1.0, "cpu")] == [None]
    assert not images.labelled


def test_labelled_held_out_images_are_known():
    assert compared(LINE, real(LINE, labels=[0] * 6)).labelled


def test_without_labels_there_are_no_classes():
    assert count_by_class(compared(LINE), 1.0, "cpu") == []


def test_two_hundred_classes_and_no_more():
    features, labels = classed(*[20] * 201)
    found = count_by_class(
        compared(features, labels=labels, images=np.zeros((len(labels), 1, 1, 1), np.uint8)), 1, "cpu"
    )
    assert [c.label for c in found] == list(range(200))
