"""Which images are inverted, and how an error is read."""

import numpy as np
import pytest

from didlearn.checks.groups import heldout_images, outside_pixels, pixels
from didlearn.checks.inversion.inverted import choose_groups, invert_groups, relative_error
from didlearn.checks.inverting import SearchEffort
from didlearn.images import open_images
from didlearn.rng import Stream
from tests.checks.inversions import SHAPE, ended, line_model, residuals, subject_of, uniform_images
from tests.inversion.conditional import ClassPlanes


def eight_bit(count, seed):
    return np.rint(uniform_images(count, seed) * 255).astype(np.uint8)


@pytest.fixture
def subject():
    outside = {"other": open_images(uniform_images(30, 3)), "wide": open_images(uniform_images(30, 4, (1, 5, 5)))}
    return subject_of(line_model(), eight_bit(50, 0), eight_bit(40, 1), outside=outside)


def test_every_kind_is_chosen_and_half_as_many_controls(subject):
    groups = choose_groups(subject, 9, Stream(0))
    assert {name: len(group.images) for name, group in groups.items()} == {
        "train": 9, "held-out": 9, "generated": 9, "other": 9, "shifted": 4, "noise": 4,
    }  # fmt: skip
    assert {name: group.role for name, group in groups.items()} == {
        "train": "train", "held-out": "heldout", "generated": "generated", "other": "outside", "shifted": "perturbed",
        "noise": "other",
    }  # fmt: skip
    assert all(group.images.dtype == np.float32 for group in groups.values())
    assert len(choose_groups(subject, 1, Stream(0))["noise"].images) == 1


def test_they_are_the_images_they_are_called(subject):
    groups = choose_groups(subject, 9, Stream(0))
    train = groups["train"]
    assert np.array_equal(train.images, pixels(subject.train.subset(train.places)))
    assert (np.diff(train.places) > 0).all()
    assert not np.array_equal(train.places, choose_groups(subject, 9, Stream(1))["train"].places)
    assert np.array_equal(groups["held-out"].images, pixels(heldout_images(subject, 9)))
    assert np.array_equal(groups["other"].images, outside_pixels(subject, 9)["other"])
    assert groups["generated"].images == pytest.approx(subject.draw(9).images, abs=1e-7)
    assert [name for name, group in groups.items() if group.places is not None] == ["train"]


def test_controls_are_made_of_the_first_training_images(subject):
    groups = choose_groups(subject, 9, Stream(0))
    half = groups["train"].images[:4]
    assert np.array_equal(groups["shifted"].images[..., 2:, 2:], half[..., :-2, :-2])
    assert np.array_equal(groups["shifted"].images[..., 0, 0], half[..., 0, 0])
    ours, theirs = (np.sort(images.reshape(4, -1), axis=1) for images in (groups["noise"].images, half))
    assert np.array_equal(ours, theirs)
    assert not np.array_equal(groups["noise"].images, half)


def test_eight_bit_samples_are_scaled_to_one():
    class Whole:
        labels = None
        images = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1) * np.ones(SHAPE, np.uint8)

    subject = subject_of(line_model(), eight_bit(20, 0))
    subject.__dict__["draw"] = lambda count: Whole
    assert choose_groups(subject, 3, Stream(0))["generated"].images[:, 0, 0, 0] == pytest.approx([0, 0.2, 1])


def test_without_held_out_images_there_is_no_such_group():
    assert list(choose_groups(subject_of(line_model(), eight_bit(20, 0)), 4, Stream(0))) == [
        "train", "generated", "shifted", "noise",
    ]  # fmt: skip


def test_every_group_is_inverted_by_both_searches(subject):
    effort = SearchEffort(draws=20, starts=2, rounds=1)
    groups = invert_groups(subject, 4, effort, True, Stream(0))
    for group in groups.values():
        assert group.found.error == pytest.approx(residuals(subject.model, group.images), rel=1e-3, abs=1e-9)
        assert group.published is not None
        assert (group.published.evaluations > group.found.evaluations[0]).all()
    assert groups["train"].index is not None
    assert groups["held-out"].index is None
    assert invert_groups(subject, 4, effort, False, Stream(0))["train"].published is None


def test_errors_are_relative_to_the_variance_of_the_image():
    images = np.zeros((2, *SHAPE), np.float32)
    images[1, 0, ::2] = 2
    assert relative_error(ended([3e-12, 3.0]), images) == pytest.approx([3.0, 3.0])


def test_each_image_is_inverted_under_its_own_class():
    model = ClassPlanes(classes=30, d=4)
    train, heldout = model.images(40, 1, 0.02), model.images(30, 2, 0.02)
    outside = {"bare": model.images(20, 3, 0.02, labelled=False)}
    subject = type(subject_of(None))(model, train, heldout, outside=outside)
    groups = choose_groups(subject, 6, Stream(0))
    assert groups["train"].classes.tolist() == train.labels[groups["train"].places].tolist()
    assert (
        groups["shifted"].classes.tolist() == groups["noise"].classes.tolist() == groups["train"].classes[:3].tolist()
    )
    assert groups["held-out"].classes.tolist() == heldout_images(subject, 6).labels.tolist()
    assert groups["generated"].classes.tolist() == subject.draw(6).labels.tolist()
    assert groups["bare"].classes.max() < 30
    assert all(group.classes is None for group in choose_groups(subject, 6, Stream(0), every=True).values())
    found = invert_groups(subject, 6, SearchEffort(draws=20, starts=2, rounds=1), False, Stream(0))["train"]
    assert found.found.error == pytest.approx(model.distances(found.images, found.classes), rel=1e-3)
