"""What is said to settle a verdict is read as it is meant."""

import settles

from didlearn.result.parts import settled_by, settled_by_more, settled_by_times

SIZES = (1_000, 400, 200)


def test_a_number_of_samples_is_in_all():
    assert settles.asked_for(settled_by(900, "samples"), SIZES) == (1_000, 400, 900)


def test_times_are_of_what_is_named():
    assert settles.asked_for(settled_by_times(3, "samples and held-out images"), SIZES) == (1_000, 1_200, 600)
    every = settled_by_times(3, "generated, training and held-out images")
    assert settles.asked_for(every, SIZES) == (3_000, 1_200, 600)


def test_samples_grow_with_the_held_out_images():
    asked = settled_by(1_000, "held-out images, and as many times more samples,")
    assert settles.asked_for(asked, SIZES) == (1_000, 1_000, 500)


def test_where_no_number_is_said_nothing_is_drawn():
    assert settles.asked_for(settled_by_more("samples"), SIZES) is None
